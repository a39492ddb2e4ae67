//! Settings that change while a server runs.

use std::{
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::PgServer;
use crate::servers::{Certificate, ServerResult};

/// The postmaster reads a few files; if it has not by then, it cannot.
const RELOAD_MAX: Duration = Duration::from_secs(10);

/// How often to look; each time starts a program.
const POLL: Duration = Duration::from_millis(20);

impl PgServer {
    /// Changes a setting of `postgresql.conf`, now if the server runs, and for all
    /// starts to come. New connections see it at once, open ones a moment later.
    /// Some settings, such as `max_connections`, change with a
    /// [`restart`](Self::restart) only.
    ///
    /// # Errors
    /// [`TooSlow`](crate::servers::ServerError::TooSlow), with the server's log,
    /// if it refuses the setting.
    pub fn set(&self, name: &str, value: &str) -> ServerResult {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.lock().config.settings.insert(name, value);
        self.reload()
    }

    /// Shows another certificate to those who connect from now on.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn use_certificate(&self, certificate: Certificate) -> ServerResult {
        self.lock().config.certificate = certificate;
        self.reload()
    }

    /// Has the server read its files again, if it runs.
    fn reload(&self) -> ServerResult {
        let config = self.lock().config.clone();
        self.write_config(&config)?;
        if !self.is_running()? {
            return Ok(());
        }
        let loaded = || self.sql(Self::MAINTENANCE, "SELECT pg_conf_load_time();");
        let before = loaded()?;
        if let Some(process) = &mut self.running()?.process {
            process.signal(Signal::HUP)?;
        }
        let deadline = Instant::now() + RELOAD_MAX;
        while loaded()? == before {
            if Instant::now() >= deadline {
                return Err(self.too_slow("the server to take a setting", RELOAD_MAX));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}
