//! A server is started, killed and paused.

use std::{
    sync::{MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{S3Server, programs};
use crate::servers::{ServerError, ServerResult, process::Process};

/// Python reads much before it begins.
const START_MAX: Duration = Duration::from_mins(1);

/// How often to look.
const POLL: Duration = Duration::from_millis(20);

impl S3Server {
    /// Starts a server that was killed, which has lost all it stored, and waits
    /// until it answers.
    ///
    /// # Errors
    /// [`Running`](ServerError::Running) if it runs; with its log if it does not
    /// start.
    pub fn start(&self) -> ServerResult {
        let mut state = self.state();
        if is_running(&mut state)? {
            return Err(ServerError::Running);
        }
        let root = self.place.root();
        let mut python = programs::python()?;
        python
            .arg(root.join(Self::program_name()))
            .arg(self.address.ip().to_string())
            .arg(self.address.port().to_string());
        let log = root.join(Self::log_name());
        let process = Process::start(&mut python, self.place.account(), root, &log)?;
        let process = state.insert(process);
        let deadline = Instant::now() + START_MAX;
        while self.request("GET", "/").is_err() {
            if process.ended()?.is_some() {
                return Err(ServerError::Ended { log: self.log() });
            }
            if Instant::now() >= deadline {
                return Err(ServerError::TooSlow {
                    task: "the server to start".to_owned(),
                    waited: START_MAX,
                    log: self.log(),
                });
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Kills the server with SIGKILL, and returns when it is gone.
    ///
    /// # Errors
    /// [`NotRunning`](ServerError::NotRunning).
    pub fn kill(&self) -> ServerResult {
        let mut state = self.running()?;
        if let Some(mut process) = state.take() {
            process.kill()?;
        }
        Ok(())
    }

    /// [Kills](Self::kill) the server and starts it again, with nothing in it.
    ///
    /// # Errors
    /// As both.
    pub fn restart(&self) -> ServerResult {
        self.kill()?;
        self.start()
    }

    /// Stops the server where it is, with SIGSTOP. Its system goes on to take
    /// connections and bytes, which nobody answers.
    ///
    /// # Errors
    /// [`NotRunning`](ServerError::NotRunning).
    pub fn pause(&self) -> ServerResult {
        self.running()?.as_mut().map_or(Ok(()), Process::pause)
    }

    /// Lets a paused server go on.
    ///
    /// # Errors
    /// [`NotRunning`](ServerError::NotRunning).
    pub fn resume(&self) -> ServerResult {
        self.running()?.as_mut().map_or(Ok(()), Process::resume)
    }

    fn state(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process of a server that runs.
    fn running(&self) -> ServerResult<MutexGuard<'_, Option<Process>>> {
        let mut state = self.state();
        if is_running(&mut state)? {
            Ok(state)
        } else {
            Err(ServerError::NotRunning)
        }
    }
}

fn is_running(state: &mut Option<Process>) -> ServerResult<bool> {
    match state {
        Some(process) => Ok(process.ended()?.is_none()),
        None => Ok(false),
    }
}
