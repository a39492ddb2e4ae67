//! Passes Ctrl-C, `SIGTERM` and `SIGHUP` on to the process group that runs the tests.
//!
//! The group is not the terminal's foreground group, so nothing reaches it unless we send it. The
//! first signal asks it to end; the second one kills it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// The signals that arrived, and the group they are passed on to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupts {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The group to stop; none before it starts and after it has ended, when its id may belong to a
    /// stranger.
    group: Option<Pid>,
    /// How many signals arrived.
    signals: u32,
}

impl Interrupts {
    /// Takes over the signals of this process; possible once.
    pub(crate) fn catch() -> Result<Self> {
        let interrupts = Self::default();
        let handler = interrupts.clone();
        ctrlc::set_handler(move || handler.arrived()).context("cannot catch Ctrl-C")?;
        Ok(interrupts)
    }

    /// From now on a signal stops this group; one that came before stops it now.
    pub(crate) fn stop_group(&self, group: Pid) {
        let mut state = self.lock();
        state.group = Some(group);
        state.pass_on();
    }

    /// The group is about to be reaped: no further signal is sent to it.
    pub(crate) fn forget_group(&self) {
        self.lock().group = None;
    }

    /// Whether any signal arrived.
    pub(crate) fn any(&self) -> bool {
        self.lock().signals > 0
    }

    fn arrived(&self) {
        let mut state = self.lock();
        state.signals = state.signals.saturating_add(1);
        state.pass_on();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pass_on(&self) {
        let signal = match self.signals {
            0 => return,
            1 => Signal::SIGTERM,
            _ => Signal::SIGKILL,
        };
        if let Some(group) = self.group {
            // The only failure is that the group has ended, which is what the signal wants.
            let _ended = killpg(group, signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::process_group::ProcessGroup;

    fn sleeper() -> ProcessGroup {
        ProcessGroup::spawn(Command::new("sleep").arg("1000")).unwrap()
    }

    #[test]
    fn a_signal_asks_the_group_to_end() {
        let interrupts = Interrupts::default();
        let group = sleeper();
        interrupts.stop_group(group.id());

        interrupts.arrived();

        assert_eq!(group.finish(&interrupts).unwrap().signal(), Some(15));
        assert!(interrupts.any());
    }

    #[test]
    fn a_signal_that_came_before_the_group_started_stops_it() {
        let interrupts = Interrupts::default();
        interrupts.arrived();
        let group = sleeper();

        interrupts.stop_group(group.id());

        assert_eq!(group.finish(&interrupts).unwrap().signal(), Some(15));
    }

    #[test]
    fn a_second_signal_kills_a_group_that_ignores_the_first() {
        let interrupts = Interrupts::default();
        let script = "trap '' TERM; echo deaf; while :; do sleep 1; done";
        let mut group = ProcessGroup::spawn(
            Command::new("sh")
                .args(["-c", script])
                .stdout(Stdio::piped()),
        )
        .unwrap();
        let mut line = String::new();
        BufReader::new(group.take_stdout().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "deaf\n");
        interrupts.stop_group(group.id());

        interrupts.arrived();
        interrupts.arrived();

        assert_eq!(group.finish(&interrupts).unwrap().signal(), Some(9));
    }
}
