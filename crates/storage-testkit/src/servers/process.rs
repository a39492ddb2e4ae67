//! The processes of a server.

use std::{
    fs::{self, File},
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{Account, ServerError, ServerResult};

/// A server that was started, with all processes that it has started since: those
/// that work in the directory it was started in.
#[derive(Debug)]
pub(super) struct Process {
    leader: Child,
    directory: PathBuf,
}

impl Process {
    /// How often to look whether processes have ended.
    const POLL: Duration = Duration::from_millis(2);

    /// Processes that heed no signal for so long hang in the kernel.
    const SIGNAL_MAX: Duration = Duration::from_secs(20);

    /// Starts a command as `account`, to work in `directory` and to log to the
    /// end of `log`.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub(super) fn start(
        command: &mut Command,
        account: Account,
        directory: &Path,
        log: &Path,
    ) -> ServerResult<Self> {
        account.run(command);
        let name = command.get_program().display().to_string();
        let open = || File::options().create(true).append(true).open(log);
        let mut start = || {
            command
                .current_dir(directory)
                // Ctrl-C is for the tests: the watchdog ends what they have started.
                .process_group(0)
                .stdin(Stdio::null())
                .stdout(open()?)
                .stderr(open()?)
                .spawn()
        };
        Ok(Self {
            leader: start().map_err(ServerError::system(format!("start {name}")))?,
            directory: directory.to_owned(),
        })
    }

    /// The id of the process that was started.
    pub(super) fn id(&self) -> u32 {
        self.leader.id()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> ServerResult<Option<ExitStatus>> {
        let ended = self.leader.try_wait();
        ended.map_err(ServerError::system("ask for the end of a server"))
    }

    /// Sends a signal to the process that was started.
    pub(super) fn signal(&mut self, signal: Signal) -> ServerResult {
        // Its id is its own until somebody has waited for it.
        if self.ended()?.is_none() {
            send(
                signal,
                i32::try_from(self.leader.id()).ok().and_then(Pid::from_raw),
            )?;
        }
        Ok(())
    }

    /// Waits until it has ended with all its processes; `false` if that takes
    /// longer than `at_most`.
    pub(super) fn ends_within(&mut self, at_most: Duration) -> ServerResult<bool> {
        let deadline = Instant::now() + at_most;
        while self.ended()?.is_none() || !self.members()?.is_empty() {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            thread::sleep(Self::POLL);
        }
        Ok(true)
    }

    /// Kills all its processes, the one that was started first, and waits for
    /// them to be gone.
    pub(super) fn kill(&mut self) -> ServerResult {
        self.signal(Signal::KILL)?;
        self.repeat("killed processes to end", |process| {
            Ok(process.send_all(Signal::KILL)? == 0 && process.ended()?.is_some())
        })
    }

    /// Stops all its processes where they are.
    pub(super) fn pause(&mut self) -> ServerResult {
        // First the one that would start others.
        self.signal(Signal::STOP)?;
        self.repeat("processes to stop", |process| {
            process.send_all(Signal::STOP)?;
            Ok(process.members()?.into_iter().all(is_stopped))
        })
    }

    /// Lets all its processes go on.
    pub(super) fn resume(&mut self) -> ServerResult {
        self.send_all(Signal::CONT)?;
        Ok(())
    }

    /// Sends a signal to every process, and says how many there are.
    fn send_all(&mut self, signal: Signal) -> ServerResult<usize> {
        let members = self.members()?;
        for member in &members {
            send(signal, Some(*member))?;
        }
        Ok(members.len())
    }

    /// Does something to the processes until it has worked: others may be
    /// started meanwhile.
    fn repeat(
        &mut self,
        task: &str,
        work: impl Fn(&mut Self) -> ServerResult<bool>,
    ) -> ServerResult {
        let deadline = Instant::now() + Self::SIGNAL_MAX;
        while !work(self)? {
            if Instant::now() >= deadline {
                return Err(ServerError::TooSlow {
                    task: task.to_owned(),
                    waited: Self::SIGNAL_MAX,
                    log: String::new(),
                });
            }
            thread::sleep(Self::POLL);
        }
        Ok(())
    }

    /// Every process that works in the directory.
    fn members(&self) -> ServerResult<Vec<Pid>> {
        let all = fs::read_dir("/proc").map_err(ServerError::system("read /proc"))?;
        let here = |process: &Path| {
            // Others' processes hide it, and those that have ended have none.
            fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == self.directory)
        };
        Ok(all
            .flatten()
            .filter_map(|entry| {
                let id = entry.file_name().to_str()?.parse().ok()?;
                here(&entry.path()).then(|| Pid::from_raw(id))?
            })
            .collect())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The watchdog has ended it, unless its start failed half-way.
        let _ = self.leader.kill();
        let _ = self.leader.wait();
    }
}

fn send(signal: Signal, to: Option<Pid>) -> ServerResult {
    let Some(to) = to else { return Ok(()) };
    match kill_process(to, signal) {
        // It has ended meanwhile.
        Err(rustix::io::Errno::SRCH) => Ok(()),
        sent => sent.map_err(|error| ServerError::System {
            task: "send a signal to a server".to_owned(),
            source: io::Error::from(error),
        }),
    }
}

/// Whether a process has been stopped, or has ended.
fn is_stopped(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    // The name stands in parentheses, and may hold any others.
    let state = stat.ok().and_then(|stat| {
        let (_, rest) = stat.rsplit_once(')')?;
        rest.trim_start().chars().next()
    });
    matches!(state, None | Some('T' | 't' | 'Z' | 'X'))
}
