//! The files that a server reads when it starts, and its log.

use std::{fmt::Write, path::PathBuf, time::Duration};

use super::{RedisServer, RedisServerConfig, RedisServerTls, config::Role, server::State};
use crate::servers::{ServerError, ServerResult, running};

impl RedisServer {
    pub(super) const AUTHORITY_FILE: &'static str = "authority.pem";
    pub(super) const CONFIG_FILE: &'static str = "redis.conf";
    const CERTIFICATE_FILE: &'static str = "server.pem";
    const KEY_FILE: &'static str = "server.key";
    const USERS_FILE: &'static str = "users.acl";

    /// The last that the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        running::last_of(&self.place.log())
    }

    pub(super) fn too_slow(&self, task: &str, waited: Duration) -> ServerError {
        running::too_slow(task, waited, &self.place.log())
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.place.root().join("socket")
    }

    /// Writes what a server reads that starts now.
    pub(super) fn write_files(&self, state: &State) -> ServerResult {
        let place = &self.place;
        let identity = self.authority.identity(state.config.certificate)?;
        place.write(Self::AUTHORITY_FILE, self.authority.pem())?;
        place.write(Self::CERTIFICATE_FILE, identity.certificate())?;
        place.write(Self::KEY_FILE, identity.key())?;
        place.write(Self::CONFIG_FILE, &self.settings(&state.config))?;
        self.write_users(state)
    }

    pub(super) fn write_users(&self, state: &State) -> ServerResult {
        let mut text = self.administrator.line("~* &* +@all");
        for (user, rules) in &state.users {
            text.push_str(&user.line(rules));
        }
        self.place.write(Self::USERS_FILE, &text)?;
        Ok(())
    }

    fn settings(&self, config: &RedisServerConfig) -> String {
        match &config.role {
            Role::Server => self.settings_of_server(config),
            Role::Sentinel { lines } => format!(
                "bind {}\nport {}\nunixsocket {}\ndir {}\nrequirepass {}\n{lines}",
                self.address.ip(),
                self.address.port(),
                self.socket().display(),
                self.data().display(),
                self.administrator.password(),
            ),
        }
    }

    fn settings_of_server(&self, config: &RedisServerConfig) -> String {
        let file = |name| self.place.root().join(name).display().to_string();
        let port = match config.tls {
            RedisServerTls::Offered => self.address.port(),
            RedisServerTls::Required => 0,
        };
        let own = [
            ("bind", self.address.ip().to_string()),
            ("port", port.to_string()),
            ("tls-port", self.tls_address.port().to_string()),
            ("tls-ca-cert-file", file(Self::AUTHORITY_FILE)),
            ("tls-cert-file", file(Self::CERTIFICATE_FILE)),
            ("tls-key-file", file(Self::KEY_FILE)),
            ("tls-auth-clients", "no".to_owned()),
            ("unixsocket", self.socket().display().to_string()),
            ("dir", self.data().display().to_string()),
            ("aclfile", file(Self::USERS_FILE)),
            ("masteruser", self.administrator.name().to_owned()),
            ("masterauth", self.administrator.password().to_owned()),
        ];
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let ordered = config.settings.iter();
        let ordered = ordered.map(|(name, value)| (name.as_str(), value.as_str()));
        let mut text = String::new();
        // Of a setting that stands twice, the last counts.
        for (name, value) in own.chain(ordered) {
            // A string takes all that is written to it.
            let _ = writeln!(text, "{name} \"{value}\"");
        }
        text
    }
}
