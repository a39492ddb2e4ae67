//! A server is started, stopped, killed and paused.

use std::{
    sync::MutexGuard,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{RedisServer, config::Role, programs, server::State};
use crate::servers::{ServerError, ServerResult, process::Process};

/// A log of writes is read before anything is answered, so it may take a while.
const START_MAX: Duration = Duration::from_mins(1);

/// A server that takes longer to stop hangs.
const STOP_MAX: Duration = Duration::from_secs(30);

/// How often to look.
const POLL: Duration = Duration::from_millis(5);

impl RedisServer {
    /// Starts a server that was stopped or killed, with the data it had, and
    /// waits until it answers.
    ///
    /// # Errors
    /// [`Running`](ServerError::Running) if it runs; with its log if it does not
    /// start.
    pub fn start(&self) -> ServerResult {
        let mut state = self.lock();
        if is_running(&mut state)? {
            return Err(ServerError::Running);
        }
        self.write_files(&state)?;
        let mut redis = programs::server()?;
        redis.arg(self.place.root().join(Self::CONFIG_FILE));
        if matches!(state.config.role, Role::Sentinel { .. }) {
            redis.arg("--sentinel");
        }
        let (account, log) = (self.place.account(), self.log_file());
        let process = Process::start(&mut redis, account, &self.data(), &log)?;
        self.wait_until_ready(state.process.insert(process))
    }

    /// Ends the server in order: connections are cut, what was written is synced.
    ///
    /// # Errors
    /// [`NotRunning`](ServerError::NotRunning).
    pub fn stop(&self) -> ServerResult {
        let mut state = self.running()?;
        if let Some(mut process) = state.process.take() {
            process.resume()?;
            process.signal(Signal::TERM)?;
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

    /// Changes what the server is told to be like from its next start on.
    pub fn configure(&self, name: &str, value: &str) {
        let mut state = self.lock();
        state.config = state.config.clone().setting(name, value);
    }

    /// Kills the server with SIGKILL, and returns when it is gone.
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

    /// Stops the server where it is, with SIGSTOP. Its system goes on to take
    /// connections and bytes, which nobody answers.
    ///
    /// # Errors
    /// [`NotRunning`](ServerError::NotRunning).
    pub fn pause(&self) -> ServerResult {
        self.running()?
            .process
            .as_mut()
            .map_or(Ok(()), Process::pause)
    }

    /// Lets a paused server go on.
    ///
    /// # Errors
    /// [`NotRunning`](ServerError::NotRunning).
    pub fn resume(&self) -> ServerResult {
        self.running()?
            .process
            .as_mut()
            .map_or(Ok(()), Process::resume)
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
    fn running(&self) -> ServerResult<MutexGuard<'_, State>> {
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

    /// Waits until the server has read its data and answers.
    fn wait_until_ready(&self, process: &mut Process) -> ServerResult {
        let deadline = Instant::now() + START_MAX;
        while self.call(&["PING"]).is_err() {
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
}

fn is_running(state: &mut State) -> ServerResult<bool> {
    match &mut state.process {
        Some(process) => Ok(process.ended()?.is_none()),
        None => Ok(false),
    }
}
