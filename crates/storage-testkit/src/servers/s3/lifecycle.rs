//! A server is started, killed and paused.

use super::{S3Server, programs};
use crate::servers::ServerResult;

impl S3Server {
    /// Starts a server that was killed, which has lost all it stored, and waits
    /// until it answers.
    ///
    /// # Errors
    /// [`Running`](crate::servers::ServerError::Running) if it runs; with its log if it does not
    /// start.
    pub fn start(&self) -> ServerResult {
        let running = &mut *self.running();
        running.must_not_run()?;
        let root = self.place.root();
        let mut python = programs::python()?;
        python
            .arg(root.join(Self::program_name()))
            .arg(self.address.ip().to_string())
            .arg(self.address.port().to_string());
        running.start(python, &self.place, root, |_| {
            self.request("GET", "/").is_ok()
        })
    }

    /// Kills the server with SIGKILL, and returns when it is gone.
    ///
    /// # Errors
    /// [`NotRunning`](crate::servers::ServerError::NotRunning).
    pub fn kill(&self) -> ServerResult {
        self.running().kill()
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
    /// [`NotRunning`](crate::servers::ServerError::NotRunning).
    pub fn pause(&self) -> ServerResult {
        self.running().process()?.pause()
    }

    /// Lets a paused server go on.
    ///
    /// # Errors
    /// [`NotRunning`](crate::servers::ServerError::NotRunning).
    pub fn resume(&self) -> ServerResult {
        self.running().process()?.resume()
    }
}
