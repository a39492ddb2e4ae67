//! A server is started, stopped, killed and paused.

use std::fs;

use rustix::process::Signal;

use super::{PgServer, programs};
use crate::servers::{ServerResult, process::Process};

impl PgServer {
    /// Starts a server that was stopped or killed, and waits until it takes
    /// connections.
    ///
    /// # Errors
    /// [`Running`](crate::servers::ServerError::Running) if it runs; with its log if it does not
    /// start.
    pub fn start(&self) -> ServerResult {
        let state = &mut *self.lock();
        state.running.must_not_run()?;
        self.write_config(&state.config)?;
        let mut postgres = programs::program("postgres")?;
        let config = self.place.root().join(Self::CONFIG_FILE);
        postgres
            .arg("-D")
            .arg(self.data())
            .arg(format!("--config_file={}", config.display()));
        state
            .running
            .start(postgres, &self.place, &self.data(), |process| {
                self.is_ready(process)
            })
    }

    /// Ends the server in order: connections are cut, what was committed is
    /// written out.
    ///
    /// # Errors
    /// [`NotRunning`](crate::servers::ServerError::NotRunning);
    /// [`TooSlow`](crate::servers::ServerError::TooSlow) if it waits for a standby that does not
    /// answer.
    pub fn stop(&self) -> ServerResult {
        // What PostgreSQL calls a fast shutdown.
        self.lock().running.stop(Signal::INT)
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
    /// [`NotRunning`](crate::servers::ServerError::NotRunning).
    pub fn kill(&self) -> ServerResult {
        self.lock().running.kill()
    }

    /// Stops all processes of the server where they are, with SIGSTOP. Its system
    /// goes on to take connections and bytes, which nobody answers.
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
