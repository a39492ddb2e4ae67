//! Hosts: where servers listen.

use std::{fmt, str::FromStr};

use serde::Deserialize;
use storage_core::{
    Error, ErrorKind, Result,
    networked::{parse_host, write_host},
};

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
    /// As for [`parse_host`]; `Invalid` for a name with a `/` in it.
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text, Self::PORT)
    }
}

impl RedisHost {
    /// The host that is written in a text, at `default` if it says no port.
    pub(crate) fn parse(text: &str, default: u16) -> Result<Self> {
        let (name, port) = parse_host(text, default)?;
        if name.contains('/') {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "{text:?} is no host: it has a `/` in it, and stores on Redis use no sockets; \
                     write it as `name:port`"
                ),
            ));
        }
        Ok(Self::new(name, port))
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
        write_host(f, &self.name, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_as_it_is_written() {
        for (text, name, port) in [("db", "db", RedisHost::PORT), ("[::1]:7", "::1", 7)] {
            let host: RedisHost = text.parse().unwrap();
            assert_eq!(host, RedisHost::new(name, port), "{text}");
            assert_eq!(host.to_string().parse::<RedisHost>().unwrap(), host);
        }
    }

    #[test]
    fn a_text_that_is_no_host_is_invalid() {
        for text in ["", "db:x", "/run/redis", "db/7"] {
            let parsed = text.parse::<RedisHost>();
            assert_eq!(parsed.unwrap_err().kind(), ErrorKind::Invalid, "{text}");
        }
    }
}
