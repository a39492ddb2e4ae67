//! A server is started, stopped, killed and paused.

use std::{
    fs,
    sync::MutexGuard,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{PgServer, programs, server::State};
use crate::servers::{ServerError, ServerResult, process::Process};

/// Recovery after a kill replays what the log holds, so it may take a while.
const START_MAX: Duration = Duration::from_mins(1);

/// A server that takes longer to stop waits for somebody.
const STOP_MAX: Duration = Duration::from_secs(30);

/// How often to look.
const POLL: Duration = Duration::from_millis(5);

impl PgServer {
    /// Starts a server that was stopped or killed, and waits until it takes
    /// connections.
    ///
    /// # Errors
    /// [`Running`](ServerError::Running) if it runs; with its log if it does not
    /// start.
    pub fn start(&self) -> ServerResult {
        let mut state = self.lock();
        if is_running(&mut state)? {
            return Err(ServerError::Running);
        }
        self.write_config(&state.config)?;
        let mut postgres = programs::program("postgres")?;
        let config = self.place.root().join(Self::CONFIG_FILE);
        postgres
            .arg("-D")
            .arg(self.data())
            .arg(format!("--config_file={}", config.display()));
        let (account, log) = (self.place.account(), self.log_file());
        let process = Process::start(&mut postgres, account, &self.data(), &log)?;
        let process = state.process.insert(process);
        self.wait_until_ready(process)
    }

    /// Ends the server in order: connections are cut, what was committed is
    /// written out.
    ///
    /// # Errors
    /// [`NotRunning`](ServerError::NotRunning);
    /// [`TooSlow`](ServerError::TooSlow) if it waits for a standby that does not
    /// answer.
    pub fn stop(&self) -> ServerResult {
        let mut state = self.running()?;
        if let Some(mut process) = state.process.take() {
            process.resume()?;
            // What PostgreSQL calls a fast shutdown.
            process.signal(Signal::INT)?;
            if !process.ends_within(STOP_MAX)? {
                state.process = Some(process);
                return Err(self.too_slow("the server to stop", STOP_MAX));
            }
        }
        Ok(())
    }

    /// [Stops](Self::stop) the server and starts it again.
    ///
    /// # Errors
    /// As both.
    pub fn restart(&self) -> ServerResult {
        self.stop()?;
        self.start()
    }

    /// Kills all processes of the server with SIGKILL, the postmaster first, and
    /// returns when none is left.
    ///
    /// # Errors
    /// [`NotRunning`](ServerError::NotRunning).
    pub fn kill(&self) -> ServerResult {
        let mut state = self.running()?;
        if let Some(mut process) = state.process.take() {
            process.kill()?;
        }
        Ok(())
    }

    /// Stops all processes of the server where they are, with SIGSTOP. Its system
    /// goes on to take connections and bytes, which nobody answers.
    ///
    /// # Errors
    /// [`NotRunning`](ServerError::NotRunning).
    pub fn pause(&self) -> ServerResult {
        match &mut self.running()?.process {
            Some(process) => process.pause(),
            None => Ok(()),
        }
    }

    /// Lets a paused server go on.
    ///
    /// # Errors
    /// [`NotRunning`](ServerError::NotRunning).
    pub fn resume(&self) -> ServerResult {
        match &mut self.running()?.process {
            Some(process) => process.resume(),
            None => Ok(()),
        }
    }

    /// Whether the server has been started and has not ended; also while it is
    /// paused.
    ///
    /// # Errors
    /// If the operating system does not tell.
    pub fn is_running(&self) -> ServerResult<bool> {
        is_running(&mut self.lock())
    }

    /// The state of a server that runs.
    pub(super) fn running(&self) -> ServerResult<MutexGuard<'_, State>> {
        let mut state = self.lock();
        if is_running(&mut state)? {
            Ok(state)
        } else {
            Err(ServerError::NotRunning)
        }
    }

    pub(super) fn too_slow(&self, task: &str, waited: Duration) -> ServerError {
        ServerError::TooSlow {
            task: task.to_owned(),
            waited,
            log: self.log(),
        }
    }

    fn wait_until_ready(&self, process: &mut Process) -> ServerResult {
        let deadline = Instant::now() + START_MAX;
        while !self.is_ready(process) {
            if process.ended()?.is_some() {
                return Err(ServerError::Ended { log: self.log() });
            }
            if Instant::now() >= deadline {
                return Err(self.too_slow("the server to start", START_MAX));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Whether the postmaster says that it takes connections, as `pg_ctl` asks it.
    fn is_ready(&self, process: &Process) -> bool {
        let Some(lines) = self.postmaster_lines() else {
            return false;
        };
        let line = |number: usize| lines.get(number).map(|line| line.trim());
        // Before it is written anew, it is of the one that was killed.
        line(0) == Some(&process.id().to_string()) && line(7) == Some("ready")
    }

    /// What the postmaster tells about itself.
    fn postmaster_lines(&self) -> Option<Vec<String>> {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        Some(text.lines().map(str::to_owned).collect())
    }
}

fn is_running(state: &mut State) -> ServerResult<bool> {
    match &mut state.process {
        Some(process) => Ok(process.ended()?.is_none()),
        None => Ok(false),
    }
}
