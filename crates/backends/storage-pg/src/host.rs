//! Hosts: where servers listen.

use std::{fmt, str::FromStr};

use serde::Deserialize;
use storage_core::{
    Error, Result,
    networked::{parse_host, write_host},
};

const PORT: u16 = 5432;

/// Where a server listens: a name or address and a port, or the directory of a
/// Unix socket. Written as `db.example`, `db.example:5433`, `[::1]:5432` or
/// `/run/postgresql`; the port is 5432 if it is left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct PgHost {
    name: String,
    port: u16,
}

impl PgHost {
    /// The host called `name`, or the socket in that directory, at `port`.
    #[must_use]
    pub fn new(name: impl Into<String>, port: u16) -> Self {
        Self {
            name: name.into(),
            port,
        }
    }

    /// The name, the address, or the directory of the socket.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether nobody else can be on the way to this host.
    pub(crate) fn is_local(&self) -> bool {
        let is_loopback = self
            .name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
        is_loopback || self.is_socket() || self.name == "localhost"
    }

    pub(crate) fn is_socket(&self) -> bool {
        self.name.starts_with('/')
    }
}

impl FromStr for PgHost {
    type Err = Error;

    /// # Errors
    /// As for [`parse_host`].
    fn from_str(text: &str) -> Result<Self> {
        let (name, port) = parse_host(text, PORT)?;
        Ok(Self::new(name, port))
    }
}

impl TryFrom<String> for PgHost {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl fmt::Display for PgHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_host(f, &self.name, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_as_it_is_written() {
        for (text, host, display) in [
            ("db", PgHost::new("db", PORT), "db:5432"),
            ("[::1]:7", PgHost::new("::1", 7), "[::1]:7"),
            ("/run/pg", PgHost::new("/run/pg", PORT), "/run/pg:5432"),
        ] {
            assert_eq!(text.parse::<PgHost>().unwrap(), host);
            assert_eq!(host.to_string(), display);
        }
        let error = "db:x".parse::<PgHost>().unwrap_err();
        assert_eq!(error.kind(), storage_core::ErrorKind::Invalid);
    }

    #[test]
    fn only_what_stays_on_this_machine_is_local() {
        for text in ["localhost", "127.0.0.1", "127.1.2.3:7", "[::1]", "/run"] {
            assert!(text.parse::<PgHost>().unwrap().is_local(), "{text}");
        }
        for text in ["db", "10.0.0.1", "localhost.example", "0.0.0.0"] {
            assert!(!text.parse::<PgHost>().unwrap().is_local(), "{text}");
        }
    }
}
