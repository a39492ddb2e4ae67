//! Hosts, as they are written.

use std::fmt;

use crate::{Error, ErrorKind, Result};

/// The name or address and the port in a text such as `db.example`, `db.example:5433`,
/// `[::1]:5432` or `::1`. The port is `default` if the text says none.
///
/// # Errors
/// `Invalid` for an empty name, one with white space, a control character or (but for the path of a
/// socket) a bracket in it, and a port that is none.
pub fn parse_host(text: &str, default: u16) -> Result<(&str, u16)> {
    let invalid = |what: &str| {
        Error::new(
            ErrorKind::Invalid,
            format!("{text:?} is no host: {what}; write it as `name:port`"),
        )
    };
    let (name, port) = split(text);
    let port = match port {
        "" => default,
        port => match port.parse() {
            Ok(port) if port != 0 => port,
            _ => return Err(invalid("its port is no number from 1 to 65535")),
        },
    };
    if name.is_empty() {
        return Err(invalid("it has no name"));
    }
    if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(invalid("it has white space or a control character in it"));
    }
    if name.contains(['[', ']']) && !name.starts_with('/') {
        return Err(invalid("its brackets are not those around an address"));
    }
    Ok((name, port))
}

/// Writes a host as [`parse_host`] reads it, always with its port.
///
/// # Errors
/// As for the formatter.
pub fn write_host(f: &mut fmt::Formatter<'_>, name: &str, port: u16) -> fmt::Result {
    if name.contains(':') {
        write!(f, "[{name}]:{port}")
    } else {
        write!(f, "{name}:{port}")
    }
}

/// The name, and what stands behind the colon that follows it.
fn split(text: &str) -> (&str, &str) {
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let port = if rest.is_empty() {
            Some("")
        } else {
            rest.strip_prefix(':')
        };
        return port.map_or((text, ""), |port| (address, port));
    }
    match text.rsplit_once(':') {
        // An address of IPv6 without brackets has no port.
        Some((name, port)) if !name.contains(':') => (name, port),
        _ => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Written<'a>(&'a str, u16);

    impl fmt::Display for Written<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_host(f, self.0, self.1)
        }
    }

    #[test]
    fn a_host_is_read_as_it_is_written() {
        for (text, name, port) in [
            ("db", "db", 9),
            ("db:", "db", 9),
            ("db:7", "db", 7),
            ("[::1]:7", "::1", 7),
            ("[::1]", "::1", 9),
            ("[db]:7", "db", 7),
            ("::1", "::1", 9),
            ("/run/pg", "/run/pg", 9),
            ("/run/pg:7", "/run/pg", 7),
            ("/run/[pg]", "/run/[pg]", 9),
        ] {
            assert_eq!(parse_host(text, 9).unwrap(), (name, port), "{text}");
            let written = Written(name, port).to_string();
            assert_eq!(parse_host(&written, 1).unwrap(), (name, port), "{written}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused_with_what_is_wrong() {
        for (text, what) in [
            ("", "no name"),
            (":1", "no name"),
            ("[]:1", "no name"),
            ("db:0", "port"),
            ("db:70000", "port"),
            ("db:x", "port"),
            ("[::1]::7", "port"),
            ("a b", "white space"),
            ("a\0b", "control"),
            ("[::1]7", "brackets"),
            ("[::1", "brackets"),
            ("::1]", "brackets"),
            ("[[::1]]", "brackets"),
        ] {
            let error = parse_host(text, 9).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
            assert!(error.to_string().contains(what), "{text}: {error}");
        }
    }
}
