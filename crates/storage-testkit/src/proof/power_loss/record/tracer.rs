//! Follows all threads of a process from stop to stop.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
};

use nix::{
    libc,
    sys::{
        ptrace::{self, Options},
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

use super::{
    RecordError, calls,
    change::Change,
    memory::Stopped,
    recorder::{Recorder, Step},
};
use crate::proof::power_loss::event::Event;

/// A process under recording.
pub(super) struct Tracer {
    process: Pid,
    state: State,
    recorder: Recorder,
    /// The threads that are within a call whose end matters.
    within: BTreeMap<Pid, Within>,
    /// Threads that wait at the beginning of a call until no change is under
    /// way.
    held: VecDeque<Pid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    /// Its threads are being ended, so none of them may begin a change whose
    /// end nobody would see.
    Exiting,
    Ended,
}

enum Within {
    Sync(usize),
    Change(Change),
}

impl Tracer {
    /// Seizes a process that stops itself.
    pub(super) fn seize(process: u32, recorder: Recorder) -> Result<Self, RecordError> {
        let process = Pid::from_raw(process.cast_signed());
        let mut tracer = Self {
            process,
            state: State::Running,
            recorder,
            within: BTreeMap::new(),
            held: VecDeque::new(),
        };
        match waitpid(process, Some(WaitPidFlag::WUNTRACED))? {
            WaitStatus::Stopped(..) => {}
            other => {
                tracer.state = State::Ended;
                return Err(ended(other));
            }
        }
        tracer.recorder.find_output(Stopped(process));
        // All of its threads are stopped, so there will not be others.
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            let name = thread?.file_name();
            if let Some(thread) = name.to_str().and_then(|name| name.parse().ok()) {
                ptrace::seize(Pid::from_raw(thread), options())?;
            }
        }
        kill(process, Signal::SIGCONT)?;
        Ok(tracer)
    }

    /// Follows the process to its end, and returns what happened.
    pub(super) fn run(mut self) -> Result<Vec<Event>, RecordError> {
        loop {
            // Only of this thread's own: other recordings may run beside it.
            let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
            let status = waitpid(None, Some(flags))?;
            match status {
                WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)
                    if pid == self.process =>
                {
                    self.state = State::Ended;
                    return match status {
                        WaitStatus::Exited(_, 0) => Ok(self.recorder.take_events()),
                        other => Err(ended(other)),
                    };
                }
                status => match self.step(status) {
                    // The process may be killed while it is looked at.
                    Err(RecordError::System(error))
                        if error.raw_os_error() == Some(libc::ESRCH) => {}
                    Err(error) => {
                        // It stays stopped, and may be a process of its own that
                        // nobody else knows of.
                        if let Some(pid) = status.pid() {
                            let _ = kill(pid, Signal::SIGKILL);
                        }
                        return Err(error);
                    }
                    Ok(()) => {}
                },
            }
        }
    }

    fn step(&mut self, status: WaitStatus) -> Result<(), RecordError> {
        match status {
            WaitStatus::PtraceEvent(pid, _, libc::PTRACE_EVENT_SECCOMP) => self.begin(pid),
            WaitStatus::PtraceEvent(_, _, libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK) => {
                Err(RecordError::unmodelled(
                    "fork",
                    "only one process can be recorded; do the work in threads",
                ))
            }
            WaitStatus::PtraceEvent(_, _, libc::PTRACE_EVENT_EXEC) => Err(RecordError::unmodelled(
                "execve",
                "only one program can be recorded",
            )),
            // The whole process was stopped or continued, or a thread was made.
            WaitStatus::PtraceEvent(pid, ..) => self.resume(pid, None),
            WaitStatus::PtraceSyscall(pid) => self.end(pid),
            // A signal on its way to the thread.
            WaitStatus::Stopped(pid, signal) => self.resume(pid, Some(signal)),
            WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..) => {
                self.within.remove(&pid);
                self.held.retain(|held| *held != pid);
                self.release()
            }
            WaitStatus::Continued(_) | WaitStatus::StillAlive => Ok(()),
        }
    }

    /// Lets a thread go on that was stopped by something else than a call, to
    /// the end of the call that it is within.
    fn resume(&self, pid: Pid, signal: Option<Signal>) -> Result<(), RecordError> {
        if self.within.contains_key(&pid) {
            ptrace::syscall(pid, signal)?;
        } else {
            ptrace::cont(pid, signal)?;
        }
        Ok(())
    }

    /// A thread is about to make a call.
    fn begin(&mut self, pid: Pid) -> Result<(), RecordError> {
        let thread = Stopped(pid);
        let call = thread.call()?;
        if calls::is_change(call.number) && self.must_wait() {
            self.held.push_back(pid);
            return Ok(());
        }
        match self.recorder.begin(thread, &call)? {
            Step::Harmless => ptrace::cont(pid, None)?,
            Step::Exit => {
                self.state = State::Exiting;
                ptrace::cont(pid, None)?;
            }
            Step::Sync(sync) => {
                self.within.insert(pid, Within::Sync(sync));
                ptrace::syscall(pid, None)?;
            }
            Step::Change(change) => {
                self.within.insert(pid, Within::Change(change));
                ptrace::syscall(pid, None)?;
            }
        }
        Ok(())
    }

    /// A thread has ended a call.
    fn end(&mut self, pid: Pid) -> Result<(), RecordError> {
        let thread = Stopped(pid);
        let result = thread.result()?;
        match (self.within.remove(&pid), result) {
            (Some(Within::Sync(sync)), Some(_)) => self.recorder.sync_ended(sync),
            (Some(Within::Change(change)), Some(result)) => {
                self.recorder.changed(thread, change, result)?;
            }
            (_, None) | (None, _) => {}
        }
        ptrace::cont(pid, None)?;
        self.release()
    }

    /// Whether a thread must not begin a change now.
    fn must_wait(&self) -> bool {
        let is_change = |within: &Within| matches!(within, Within::Change(_));
        self.state != State::Running || self.within.values().any(is_change)
    }

    /// Lets held threads go on, until one of them changes something.
    fn release(&mut self) -> Result<(), RecordError> {
        while !self.must_wait() {
            let Some(pid) = self.held.pop_front() else {
                break;
            };
            self.begin(pid)?;
        }
        Ok(())
    }
}

impl Drop for Tracer {
    /// Ends the process, if it has not ended, and waits until it is gone.
    fn drop(&mut self) {
        if self.state == State::Ended {
            return;
        }
        let _ = kill(self.process, Signal::SIGKILL);
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        while let Ok(status) = waitpid(None, Some(flags)) {
            let is_alive = !matches!(status, WaitStatus::Exited(..) | WaitStatus::Signaled(..));
            // A process that it started is stopped too, and seized with it.
            if let Some(pid) = status.pid().filter(|_| is_alive) {
                let _ = kill(pid, Signal::SIGKILL);
            }
        }
    }
}

fn options() -> Options {
    Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACESECCOMP
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL
}

fn ended(status: WaitStatus) -> RecordError {
    RecordError::Ended {
        how: match status {
            WaitStatus::Exited(_, code) => format!("ended with status {code}"),
            WaitStatus::Signaled(_, signal, _) => format!("was killed by {signal}"),
            other => format!("did not wait to be seized: {other:?}"),
        },
        complaints: String::new(),
    }
}
