//! Hosts: where servers listen.

use std::{fmt, str::FromStr};

use serde::Deserialize;
use storage_core::{Error, ErrorKind, Result};

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
    /// `Invalid` for an empty name, or a port that is none.
    fn from_str(text: &str) -> Result<Self> {
        let (name, port) = split(text);
        let port = match port {
            None | Some("") => PORT,
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| invalid(text, "its port is no number from 1 to 65535"))?,
        };
        if name.is_empty() {
            return Err(invalid(text, "it has no name"));
        }
        if name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(invalid(text, "it has white space in it"));
        }
        Ok(Self::new(name, port))
    }
}

/// The name and the port of a host.
fn split(text: &str) -> (&str, Option<&str>) {
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return (address, rest.strip_prefix(':'));
    }
    match text.rsplit_once(':') {
        // An address of IPv6 without brackets has no port.
        Some((name, port)) if !name.contains(':') => (name, Some(port)),
        _ => (text, None),
    }
}

fn invalid(text: &str, what: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("`{text}` is no host: {what}; write it as `name:port`"),
    )
}

impl TryFrom<String> for PgHost {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl fmt::Display for PgHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_as_it_is_written() {
        for (text, name, port, display) in [
            ("db", "db", 5432, "db:5432"),
            ("db:5433", "db", 5433, "db:5433"),
            ("[::1]:7", "::1", 7, "[::1]:7"),
            ("::1", "::1", 5432, "[::1]:5432"),
            ("/run/pg", "/run/pg", 5432, "/run/pg:5432"),
            ("/run/pg:7", "/run/pg", 7, "/run/pg:7"),
        ] {
            let host: PgHost = text.parse().unwrap();
            assert_eq!((host.name(), host.port()), (name, port), "{text}");
            assert_eq!(host.to_string(), display);
        }
    }

    #[test]
    fn a_text_that_is_no_host_is_invalid() {
        for text in ["", ":1", "db:", "db:0", "db:70000", "db:x", "a b"] {
            let parsed = text.parse::<PgHost>();
            if text == "db:" {
                assert_eq!(parsed.unwrap().port(), PORT);
                continue;
            }
            assert_eq!(parsed.unwrap_err().kind(), ErrorKind::Invalid, "{text}");
        }
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
