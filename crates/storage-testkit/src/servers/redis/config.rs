//! What a Redis server is to be like.

use std::collections::BTreeMap;

use super::RedisServer;
use crate::servers::{Certificate, ServerResult};

/// A server to be started. By default it appends every write to a file and syncs
/// it before it answers, offers TLS with a valid certificate, and asks everybody
/// for a password.
#[derive(Clone, Debug)]
pub struct RedisServerConfig {
    pub(super) settings: BTreeMap<String, String>,
    pub(super) tls: RedisServerTls,
    pub(super) certificate: Certificate,
    pub(super) role: Role,
}

/// What the program is to be.
#[derive(Clone, Debug, Default)]
pub(super) enum Role {
    /// It keeps data.
    #[default]
    Server,
    /// It watches over servers, as these lines of its configuration say.
    Sentinel { lines: String },
}

/// Whether connections are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedisServerTls {
    /// On a port of its own, besides the one without.
    #[default]
    Offered,
    /// There is no port without.
    Required,
}

impl RedisServerConfig {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        let settings = [
            ("appendonly", "yes"),
            ("appendfsync", "always"),
            // Nothing but the log of writes.
            ("save", ""),
            ("enable-debug-command", "yes"),
        ];
        Self {
            settings: settings
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            tls: RedisServerTls::default(),
            certificate: Certificate::default(),
            role: Role::default(),
        }
    }

    /// Sets what `redis.conf` can set, such as `appendfsync` to `everysec`.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// Whether connections are encrypted; [`RedisServerTls::Offered`] by default.
    #[must_use]
    pub const fn tls(mut self, tls: RedisServerTls) -> Self {
        self.tls = tls;
        self
    }

    /// What the server shows to who asks for TLS; a valid certificate by default.
    #[must_use]
    pub const fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = certificate;
        self
    }

    /// Starts a server in a temporary directory, and waits until it answers.
    ///
    /// # Errors
    /// [`Missing`](crate::servers::ServerError::Missing) if Redis is not
    /// installed; with the server's log if it does not start.
    pub fn start(&self) -> ServerResult<RedisServer> {
        RedisServer::make(self)
    }
}

impl Default for RedisServerConfig {
    fn default() -> Self {
        Self::new()
    }
}
