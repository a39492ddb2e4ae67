//! What all URLs of stores across a network have in common.

use std::{
    fmt::{self, Display},
    str::FromStr,
    time::Duration,
};

use crate::{Error, ErrorKind, Result};

/// Reads the parts of URLs of one kind of store.
///
/// What may be a part of a password is in no error: nothing in front of the parameters,
/// and no parameter without a value. The name and the value of a parameter are, where
/// it cannot be taken.
#[derive(Clone, Copy, Debug)]
pub struct UrlParts {
    kind: &'static str,
}

impl UrlParts {
    /// Of stores of this kind, as errors are to call one: `"a Redis store"`.
    #[must_use]
    pub const fn of(kind: &'static str) -> Self {
        Self { kind }
    }

    /// What is said of a URL that cannot be used, of the kind `Invalid`.
    #[must_use]
    pub fn invalid(&self, what: impl Display) -> Error {
        Error::new(
            ErrorKind::Invalid,
            format!("the URL of {} cannot be used: {what}", self.kind),
        )
    }

    /// Takes apart what stands behind the scheme: `user:password@hosts/database?query`.
    ///
    /// # Errors
    /// `Invalid` for an `@` behind the hosts: a password with a `/` or a `?` in it would
    /// be taken for hosts and a database, which errors of stores show.
    pub fn place<'u>(&self, rest: &'u str) -> Result<UrlPlace<'u>> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        if database.contains('@') || query.contains('@') {
            return Err(self.invalid(
                "it has an `@` behind the hosts; in user and password write `/` as %2F and `?` as \
                 %3F, and elsewhere `@` as %40",
            ));
        }
        let (user_info, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match user_info.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (user_info, None),
        };
        Ok(UrlPlace {
            user,
            password,
            hosts,
            database,
            query,
        })
    }

    /// What is said of a host that is none. It is not shown: what stands where a port
    /// does may be a password whose host was left out.
    #[must_use]
    pub fn no_host(&self) -> Error {
        self.invalid("a host in it is none, or its port is no number from 1 to 65535")
    }

    /// The parameters of a query, by name, with their values decoded.
    ///
    /// # Errors
    /// `Invalid` for one without a value, and as [`decoded`](Self::decoded).
    pub fn parameters<'u>(
        &self,
        query: &'u str,
    ) -> impl Iterator<Item = Result<(&'u str, String)>> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| {
            let (name, value) = pair
                .split_once('=')
                // It may be a part of a password, and is not shown.
                .ok_or_else(|| self.invalid("it has a parameter without a value"))?;
            Ok((name, self.decoded(value)?))
        })
    }

    /// The number that is the value of a parameter.
    ///
    /// # Errors
    /// `Invalid`, with name and value, for what is none of that type.
    pub fn number<T: FromStr>(&self, name: &str, value: &str) -> Result<T> {
        let number = value.parse().ok();
        number.ok_or_else(|| self.invalid(format!("{name} is `{value}`, which is no such number")))
    }

    /// The seconds that are the value of a parameter.
    ///
    /// # Errors
    /// As [`number`](Self::number).
    pub fn seconds(&self, name: &str, value: &str) -> Result<Duration> {
        self.number(name, value).map(Duration::from_secs)
    }

    /// The text without percent signs.
    ///
    /// # Errors
    /// `Invalid` for one that is not followed by two hexadecimal digits, and for what
    /// is not UTF-8 then.
    pub fn decoded(&self, text: &str) -> Result<String> {
        let mut parts = text.split('%');
        let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            let (digits, rest) = part.split_at_checked(2).unwrap_or_default();
            // A sign in front of a digit would be taken for a number too.
            let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let byte = u8::from_str_radix(digits, 16)
                .ok()
                .filter(|_| is_hexadecimal);
            bytes.push(byte.ok_or_else(|| {
                self.invalid("a percent sign in it is not followed by two hexadecimal digits")
            })?);
            bytes.extend(rest.as_bytes());
        }
        String::from_utf8(bytes).map_err(|_| self.invalid("a part of it is not UTF-8"))
    }
}

/// Where a URL says that a store is; each part as it stands there, not decoded.
#[derive(Clone, Copy)]
pub struct UrlPlace<'u> {
    /// Who logs in; empty if that is not said.
    pub user: &'u str,
    /// What with.
    pub password: Option<&'u str>,
    /// The hosts, with commas between them.
    pub hosts: &'u str,
    /// What stands behind the hosts and a slash; empty if nothing does.
    pub database: &'u str,
    /// What stands behind the question mark; empty if nothing does.
    pub query: &'u str,
}

impl fmt::Debug for UrlPlace<'_> {
    /// Shows nothing: any of it may be a part of a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UrlPlace").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: UrlParts = UrlParts::of("a test store");

    #[test]
    fn what_is_percent_encoded_is_decoded_and_never_shown() {
        assert_eq!(PARTS.decoded("p%40ss%3A%c3%A4").unwrap(), "p@ss:ä");
        assert_eq!(PARTS.decoded("").unwrap(), "");
        for text in [
            "hunter2%",
            "hunter2%4",
            "hunter2%zz",
            "hunter2%+1",
            "%ffhunter2",
            "%4ähunter2",
        ] {
            let error = PARTS.decoded(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_place_is_taken_apart_and_parts_of_a_password_are_never_shown() {
        let place = PARTS.place("u:p:w@a:1,b/d?x=%401&y=").unwrap();
        assert_eq!((place.user, place.password), ("u", Some("p:w")));
        assert_eq!((place.hosts, place.database), ("a:1,b", "d"));
        let parameters: Result<Vec<_>> = PARTS.parameters(place.query).collect();
        assert_eq!(
            parameters.unwrap(),
            [("x", "@1".to_owned()), ("y", String::new())]
        );
        let place = PARTS.place("u@a").unwrap();
        assert_eq!((place.user, place.password, place.hosts), ("u", None, "a"));
        let errors = [
            PARTS.place("u:hunter2?x@a").unwrap_err(),
            PARTS.place("u:12/hunter2@a").unwrap_err(),
            PARTS.parameters("x=1&hunter2").nth(1).unwrap().unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        let place = PARTS.place("u:hunter2@a").unwrap();
        assert!(!format!("{place:?}").contains("hunter2"));
    }

    #[test]
    fn a_number_is_one_of_its_type_or_refused_by_name() {
        assert_eq!(PARTS.number::<u8>("n", "7").unwrap(), 7);
        assert_eq!(PARTS.seconds("n", "90").unwrap(), Duration::from_secs(90));
        let error = PARTS.number::<u8>("size", "256").unwrap_err();
        assert_eq!(
            error.message(),
            "the URL of a test store cannot be used: size is `256`, which is no such number"
        );
    }
}
