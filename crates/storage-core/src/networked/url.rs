//! What all URLs of stores across a network have in common.

use std::{fmt::Display, str::FromStr, time::Duration};

use crate::{Error, ErrorKind, Result};

/// Reads the parts of URLs of one kind of store. What is percent-encoded may be a
/// password, so no error shows it.
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
