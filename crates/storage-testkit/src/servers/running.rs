//! A server that is started, stopped, killed and paused.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{ServerError, ServerResult, place::Place, process::Process};

/// The processes of a server, if it was started and not ended by a call, and
/// their log.
#[derive(Debug)]
pub(super) struct Running {
    process: Option<Process>,
    log: PathBuf,
}

impl Running {
    /// What is read at start may be much: a log after a kill, or a language's
    /// libraries.
    const START_MAX: Duration = Duration::from_mins(1);

    /// A server that takes longer to stop hangs, or waits for somebody.
    const STOP_MAX: Duration = Duration::from_secs(30);

    /// How often to look.
    const POLL: Duration = Duration::from_millis(5);

    /// A server in this place, that is yet to be started.
    pub(super) fn not_yet(place: &Place) -> Self {
        Self {
            process: None,
            log: place.log(),
        }
    }

    /// Whether it was started and has not ended; also while it is paused.
    pub(super) fn is_running(&mut self) -> ServerResult<bool> {
        match &mut self.process {
            Some(process) => Ok(process.ended()?.is_none()),
            None => Ok(false),
        }
    }

    /// [`Running`](ServerError::Running) if it runs.
    pub(super) fn must_not_run(&mut self) -> ServerResult {
        if self.is_running()? {
            return Err(ServerError::Running);
        }
        Ok(())
    }

    /// The process of a server that runs.
    pub(super) fn process(&mut self) -> ServerResult<&mut Process> {
        let running = self.is_running()?;
        let process = self.process.as_mut().filter(|_| running);
        process.ok_or(ServerError::NotRunning)
    }

    /// Starts it to work in `directory`, and waits until it `is_ready`.
    pub(super) fn start(
        &mut self,
        mut command: Command,
        place: &Place,
        directory: &Path,
        is_ready: impl Fn(&Process) -> bool,
    ) -> ServerResult {
        let process = Process::start(&mut command, place.account(), directory, &self.log)?;
        let process = self.process.insert(process);
        let deadline = Instant::now() + Self::START_MAX;
        while !is_ready(process) {
            if process.ended()?.is_some() {
                return Err(ServerError::Ended {
                    log: last_of(&self.log),
                });
            }
            if Instant::now() >= deadline {
                return Err(too_slow("the server to start", Self::START_MAX, &self.log));
            }
            thread::sleep(Self::POLL);
        }
        Ok(())
    }

    /// Ends it by the signal that it takes for the order to end.
    pub(super) fn stop(&mut self, signal: Signal) -> ServerResult {
        let process = self.process()?;
        process.resume()?;
        process.signal(signal)?;
        if !process.ends_within(Self::STOP_MAX)? {
            return Err(too_slow("the server to stop", Self::STOP_MAX, &self.log));
        }
        self.process = None;
        Ok(())
    }

    /// Kills all its processes, and returns when none is left.
    pub(super) fn kill(&mut self) -> ServerResult {
        self.process()?;
        match self.process.take() {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }
}

/// That something took longer than `waited`, with the end of a log.
pub(super) fn too_slow(task: &str, waited: Duration, log: &Path) -> ServerError {
    ServerError::TooSlow {
        task: task.to_owned(),
        waited,
        log: last_of(log),
    }
}

/// The last lines of a log.
pub(super) fn last_of(log: &Path) -> String {
    const LINES: usize = 40;
    let log = fs::read(log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<_> = log.lines().collect();
    let last = lines.get(lines.len().saturating_sub(LINES)..);
    last.unwrap_or_default().join("\n")
}
