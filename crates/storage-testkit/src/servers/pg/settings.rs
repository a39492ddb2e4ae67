//! Settings that change while a server runs.

use std::{
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{PgServer, PgServerConfig};
use crate::servers::{Certificate, ServerError, ServerResult};

/// The postmaster reads a few files; if it has not by then, it hangs.
const RELOAD_MAX: Duration = Duration::from_secs(10);

/// How often to look; each time starts a program.
const POLL: Duration = Duration::from_millis(20);

/// The settings in the files that the server cannot take, now or at a restart.
const REFUSED: &str = "\
    SELECT string_agg(file.name, ', ') FROM pg_file_settings AS file \
    LEFT JOIN pg_settings AS setting USING (name) \
    WHERE file.error IS NOT NULL AND NOT coalesce(setting.pending_restart, false);";

impl PgServer {
    /// Changes a setting of `postgresql.conf`, now if the server runs, and for all
    /// starts to come. New connections see it at once, open ones a moment later.
    /// Some settings, such as `max_connections`, change with a
    /// [`restart`](Self::restart) only.
    ///
    /// # Errors
    /// [`Refused`](ServerError::Refused), without effect, if a server that runs
    /// cannot take it.
    pub fn set(&self, name: &str, value: &str) -> ServerResult {
        self.change(|config| config.clone().setting(name, value))
    }

    /// Shows another certificate to those who connect from now on.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn use_certificate(&self, certificate: Certificate) -> ServerResult {
        self.change(|config| config.clone().certificate(certificate))
    }

    fn change(&self, change: impl FnOnce(&PgServerConfig) -> PgServerConfig) -> ServerResult {
        let before = self.lock().config.clone();
        let after = change(&before);
        self.load(&after)?;
        if self.is_running()? {
            let refused = self.sql(Self::MAINTENANCE, REFUSED)?;
            if !refused.trim().is_empty() {
                self.load(&before)?;
                return Err(ServerError::Refused {
                    settings: refused.trim().to_owned(),
                    log: self.log(),
                });
            }
        }
        self.lock().config = after;
        Ok(())
    }

    /// Writes the files, and has the server read them if it runs.
    fn load(&self, config: &PgServerConfig) -> ServerResult {
        self.write_config(config)?;
        if !self.is_running()? {
            return Ok(());
        }
        let loaded = || self.sql(Self::MAINTENANCE, "SELECT pg_conf_load_time();");
        let before = loaded()?;
        self.lock().running.process()?.signal(Signal::HUP)?;
        let deadline = Instant::now() + RELOAD_MAX;
        while loaded()? == before {
            if Instant::now() >= deadline {
                return Err(self.too_slow("the server to read its settings", RELOAD_MAX));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}
