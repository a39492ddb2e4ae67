//! A server is started, stopped, killed and paused.

use rustix::process::Signal;

use super::{RedisServer, config::Role, programs};
use crate::servers::ServerResult;

impl RedisServer {
    /// Starts a server that was stopped or killed, with the data it had, and
    /// waits until it answers.
    ///
    /// # Errors
    /// [`Running`](crate::servers::ServerError::Running) if it runs; with its log if it does not
    /// start.
    pub fn start(&self) -> ServerResult {
        let state = &mut *self.lock();
        state.running.must_not_run()?;
        self.write_files(state)?;
        let mut redis = programs::server()?;
        redis.arg(self.place.root().join(Self::CONFIG_FILE));
        if matches!(state.config.role, Role::Sentinel { .. }) {
            redis.arg("--sentinel");
        }
        // It answers when it has read its data.
        state.running.start(redis, &self.place, &self.data(), |_| {
            self.call(&["PING"]).is_ok()
        })
    }

    /// Ends the server in order: connections are cut, what was written is synced.
    ///
    /// # Errors
    /// [`NotRunning`](crate::servers::ServerError::NotRunning).
    pub fn stop(&self) -> ServerResult {
        self.lock().running.stop(Signal::TERM)
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
    /// [`NotRunning`](crate::servers::ServerError::NotRunning).
    pub fn kill(&self) -> ServerResult {
        self.lock().running.kill()
    }

    /// Stops the server where it is, with SIGSTOP. Its system goes on to take
    /// connections and bytes, which nobody answers.
    ///
    /// # Errors
    /// [`NotRunning`](crate::servers::ServerError::NotRunning).
    pub fn pause(&self) -> ServerResult {
        self.lock().running.process()?.pause()
    }

    /// Lets a paused server go on.
    ///
    /// # Errors
    /// [`NotRunning`](crate::servers::ServerError::NotRunning).
    pub fn resume(&self) -> ServerResult {
        self.lock().running.process()?.resume()
    }

    /// Whether the server has been started and has not ended; also while it is
    /// paused.
    ///
    /// # Errors
    /// If the operating system does not tell.
    pub fn is_running(&self) -> ServerResult<bool> {
        self.lock().running.is_running()
    }
}
