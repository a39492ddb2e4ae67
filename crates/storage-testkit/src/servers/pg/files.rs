//! The files that a server reads when it starts or is told to, and its log.

use std::{fmt::Write, time::Duration};

use super::{PgServer, PgServerConfig, PgServerTls};
use crate::servers::{ServerError, ServerResult, running};

impl PgServer {
    pub(super) const AUTHORITY_FILE: &'static str = "authority.pem";
    pub(super) const CONFIG_FILE: &'static str = "postgresql.conf";
    const ACCESS_FILE: &'static str = "pg_hba.conf";
    const CERTIFICATE_FILE: &'static str = "server.pem";
    const KEY_FILE: &'static str = "server.key";

    /// The last that the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        running::last_of(&self.place.log())
    }

    pub(super) fn too_slow(&self, task: &str, waited: Duration) -> ServerError {
        running::too_slow(task, waited, &self.place.log())
    }

    pub(super) fn write_authority(&self) -> ServerResult {
        self.place
            .write(Self::AUTHORITY_FILE, self.authority.pem())?;
        Ok(())
    }

    /// Writes what a configuration says.
    pub(super) fn write_config(&self, config: &PgServerConfig) -> ServerResult {
        let identity = self.authority.identity(config.certificate)?;
        self.place
            .write(Self::CERTIFICATE_FILE, identity.certificate())?;
        self.place.write(Self::KEY_FILE, identity.key())?;
        self.place.write(Self::ACCESS_FILE, access(config.tls))?;
        self.place
            .write(Self::CONFIG_FILE, &self.settings(config))?;
        Ok(())
    }

    fn settings(&self, config: &PgServerConfig) -> String {
        let file = |name| self.place.root().join(name).display().to_string();
        let ssl = if config.tls == PgServerTls::Off {
            "off"
        } else {
            "on"
        };
        let own = [
            ("listen_addresses", self.address.ip().to_string()),
            ("port", self.address.port().to_string()),
            ("unix_socket_directories", file("")),
            ("hba_file", file(Self::ACCESS_FILE)),
            ("ssl", ssl.to_owned()),
            ("ssl_cert_file", file(Self::CERTIFICATE_FILE)),
            ("ssl_key_file", file(Self::KEY_FILE)),
        ];
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let ordered = config.settings.iter();
        let ordered = ordered.map(|(name, value)| (name.as_str(), value.as_str()));
        let mut text = String::new();
        // Of a setting that stands twice, the last counts.
        for (name, value) in own.chain(ordered) {
            let value = value.replace('\'', "''");
            // A string takes all that is written to it.
            let _ = writeln!(text, "{name} = '{value}'");
        }
        text
    }
}

/// Who may connect: whoever reaches the socket in the server's directory, and on
/// the network whoever has a password.
fn access(tls: PgServerTls) -> &'static str {
    match tls {
        PgServerTls::Off | PgServerTls::Offered => {
            "local all all trust\n\
             local replication all trust\n\
             host all all 127.0.0.1/32 scram-sha-256\n"
        }
        PgServerTls::Required => {
            "local all all trust\n\
             local replication all trust\n\
             hostssl all all 127.0.0.1/32 scram-sha-256\n"
        }
    }
}
