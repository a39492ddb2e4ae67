//! What a PostgreSQL server is to be like.

use std::collections::BTreeMap;

use super::PgServer;
use crate::servers::{Certificate, ServerResult};

/// A server to be started. By default it syncs what it promises to, offers TLS
/// with a valid certificate, and asks everybody on the network for a password.
#[derive(Clone, Debug)]
pub struct PgServerConfig {
    pub(super) settings: BTreeMap<String, String>,
    pub(super) tls: PgServerTls,
    pub(super) certificate: Certificate,
}

/// Whether connections are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PgServerTls {
    /// The server knows no TLS.
    Off,
    /// Clients may have it.
    #[default]
    Offered,
    /// Clients without it are refused.
    Required,
}

impl PgServerConfig {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        let settings = [
            // Room for many tests with a pool each.
            ("max_connections", "200"),
            // What a standby that was paused has missed is still there.
            ("wal_keep_size", "1GB"),
            // Shared memory that ends with the directory, also after a SIGKILL.
            ("dynamic_shared_memory_type", "mmap"),
            // Who said what, for messages of failures.
            ("log_line_prefix", "%m [%p] %u@%d "),
        ];
        Self {
            settings: settings
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            tls: PgServerTls::default(),
            certificate: Certificate::default(),
        }
    }

    /// Sets what `postgresql.conf` can set, such as `fsync` to `off`.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// Whether connections are encrypted; [`PgServerTls::Offered`] by default.
    #[must_use]
    pub const fn tls(mut self, tls: PgServerTls) -> Self {
        self.tls = tls;
        self
    }

    /// What the server shows to who asks for TLS; a valid certificate by default.
    #[must_use]
    pub const fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = certificate;
        self
    }

    /// Makes a cluster in a temporary directory, starts its server, and waits
    /// until it takes connections.
    ///
    /// # Errors
    /// [`Missing`](crate::servers::ServerError::Missing) if PostgreSQL is not
    /// installed; with the server's log if it does not start.
    pub fn start(&self) -> ServerResult<PgServer> {
        PgServer::make(self)
    }
}

impl Default for PgServerConfig {
    fn default() -> Self {
        Self::new()
    }
}
