//! A command in a process group of its own, so that nothing it starts outlives it.

use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitCode, ExitStatus};

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use crate::interrupts::Interrupts;
use crate::tool;

/// Runs a command to its end with our own input and output, and stops all that it started if it is
/// interrupted. Says whether it succeeded.
pub(crate) fn run(command: &mut Command) -> Result<ExitCode> {
    let status = status_of(command, &Interrupts::catch()?)?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The same for one command of several; anything but success is an error.
pub(crate) fn run_one(command: &mut Command, interrupts: &Interrupts) -> Result<()> {
    let status = status_of(command, interrupts)?;
    let line = tool::command_line(command);
    ensure!(
        status.success() && !interrupts.any(),
        "`{line}` failed: {status}"
    );
    Ok(())
}

fn status_of(command: &mut Command, interrupts: &Interrupts) -> Result<ExitStatus> {
    let group = ProcessGroup::spawn(command)?;
    interrupts.stop_group(group.id());
    group.finish(interrupts)
}

/// A running command and everything it started; dropping it kills them all.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    leader: Child,
    id: Pid,
}

impl ProcessGroup {
    /// Starts the command as the leader of a new group.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let line = tool::command_line(command);
        let leader = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start `{line}`"))?;
        let id = Pid::from_raw(i32::try_from(leader.id()).context("a process id beyond pid_t")?);
        Ok(Self { leader, id })
    }

    /// The id of the group, which is the id of its leader.
    pub(crate) fn id(&self) -> Pid {
        self.id
    }

    /// The leader's output, if it is piped and was not taken yet.
    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.leader.stdout.take()
    }

    /// Waits until the leader ends, then kills what it left running.
    pub(crate) fn finish(mut self, interrupts: &Interrupts) -> Result<ExitStatus> {
        // The leader is waited for but not reaped: until it is, no stranger can be given the id
        // that `kill` aims at.
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        while let Err(error) = waitid(Id::Pid(self.id), flags) {
            if error != Errno::EINTR {
                return Err(error).context("cannot wait for a command");
            }
        }
        interrupts.forget_group();
        self.kill();
        self.leader.wait().context("cannot wait for a command")
    }

    fn kill(&self) {
        // The only failure is that the group has ended, which is what the signal wants.
        let _ended = killpg(self.id, Signal::SIGKILL);
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // A reaped leader's id may be a stranger's by now; `finish` has killed the group already.
        if let Ok(None) = self.leader.try_wait() {
            self.kill();
            let _reaped = self.leader.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    use super::*;

    /// Much longer than a kill takes.
    const SLEEP_SECONDS: u64 = 20;

    /// Starts a shell whose child sleeps, holding the pipe it is given open.
    fn shell_with_a_child(then: &str) -> (ProcessGroup, BufReader<ChildStdout>) {
        let script = format!("sleep {SLEEP_SECONDS} & echo started; {then}");
        let mut group = ProcessGroup::spawn(
            Command::new("sh")
                .args(["-c", &script])
                .stdout(Stdio::piped()),
        )
        .unwrap();
        let mut stdout = BufReader::new(group.take_stdout().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "started\n");
        (group, stdout)
    }

    /// The pipe ends only when every process that holds it is gone.
    fn assert_all_gone(mut stdout: BufReader<ChildStdout>) {
        let started = Instant::now();
        let mut rest = Vec::new();
        stdout.read_to_end(&mut rest).unwrap();
        let slept_to_its_end = Duration::from_secs(SLEEP_SECONDS / 2);
        assert!(
            started.elapsed() < slept_to_its_end,
            "the child was not killed"
        );
    }

    #[test]
    fn what_a_finished_command_left_running_is_killed() {
        let (group, stdout) = shell_with_a_child("exit 7");

        let status = group.finish(&Interrupts::default()).unwrap();

        assert_eq!(status.code(), Some(7));
        assert_all_gone(stdout);
    }

    #[test]
    fn dropping_a_running_command_kills_it_and_its_children() {
        let (group, stdout) = shell_with_a_child("wait");

        drop(group);

        assert_all_gone(stdout);
    }
}
