//! Hosts: where servers listen.

use std::{fmt, str::FromStr};

use serde::Deserialize;
use storage_core::{Error, ErrorKind, Result};

/// Where a server listens: a name or address, and a port. Written as
/// `cache.example`, `cache.example:6380` or `[::1]:6379`; the port is 6379 if it
/// is left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct RedisHost {
    name: String,
    port: u16,
}

impl RedisHost {
    /// Where servers listen, if nothing else is said.
    pub(crate) const PORT: u16 = 6379;

    /// Where sentinels listen, if nothing else is said.
    pub(crate) const SENTINEL_PORT: u16 = 26379;

    /// The host called `name` at `port`.
    #[must_use]
    pub fn new(name: impl Into<String>, port: u16) -> Self {
        Self {
            name: name.into(),
            port,
        }
    }

    /// The name or the address.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for RedisHost {
    type Err = Error;

    /// # Errors
    /// `Invalid` for an empty name, or a port that is none.
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text, Self::PORT)
    }
}

impl RedisHost {
    /// The host that is written in a text, at `default` if it says no port.
    pub(crate) fn parse(text: &str, default: u16) -> Result<Self> {
        let colons = text.bytes().filter(|byte| *byte == b':').count();
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if colons == 1 || name.ends_with(']') => (name, port),
            // An address of IPv6 has more of them, and without brackets no port.
            _ => (text, ""),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let port = match port {
            "" => Some(default),
            port => port.parse().ok().filter(|port| *port != 0),
        };
        let is_name = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '/');
        match port {
            Some(port) if is_name => Ok(Self::new(name, port)),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                format!("`{text}` is no host; write it as `name:port`"),
            )),
        }
    }
}

impl TryFrom<String> for RedisHost {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl fmt::Display for RedisHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, port } = self;
        if name.contains(':') {
            write!(f, "[{name}]:{port}")
        } else {
            write!(f, "{name}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_as_it_is_written() {
        for (text, name, port) in [
            ("db", "db", 6379),
            ("db:7", "db", 7),
            ("[::1]:7", "::1", 7),
            ("[::1]", "::1", 6379),
            ("::1", "::1", 6379),
        ] {
            let host: RedisHost = text.parse().unwrap();
            assert_eq!(host, RedisHost::new(name, port), "{text}");
            assert_eq!(host.to_string().parse::<RedisHost>().unwrap(), host);
        }
    }

    #[test]
    fn a_text_that_is_no_host_is_invalid() {
        for text in ["", ":1", "db:0", "db:70000", "db:x", "a b", "/run/redis"] {
            let parsed = text.parse::<RedisHost>();
            assert_eq!(parsed.unwrap_err().kind(), ErrorKind::Invalid, "{text}");
        }
    }
}
