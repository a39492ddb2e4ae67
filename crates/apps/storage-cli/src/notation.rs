//! How keys and values are written on the command line and shown to people.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

use crate::{
    failure::{Failure, Result},
    hexadecimal,
};

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notation {
    /// As they are.
    Plain,
    /// As hexadecimal digits.
    Hexadecimal,
}

impl Notation {
    /// The bytes that an argument stands for.
    pub(crate) fn argument(self, argument: &OsStr) -> Result<Vec<u8>> {
        let bytes = argument.as_bytes();
        match self {
            Self::Plain => Ok(bytes.to_vec()),
            Self::Hexadecimal => hexadecimal::decode(bytes).ok_or_else(|| {
                Failure::usage(format!("`{}` is not hexadecimal", argument.display()))
                    .remedy("with --hex, write two digits for each byte, such as 00ff")
            }),
        }
    }

    /// Bytes for people: one line, whatever they are.
    pub(crate) fn shown(self, bytes: &[u8]) -> String {
        match self {
            Self::Plain => escaped(bytes),
            Self::Hexadecimal => hexadecimal::encode(bytes),
        }
    }
}

/// Text as it is; control characters, backslashes and bytes that are not UTF-8
/// as escapes, so that a line of output is one key.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || character == '\\' {
                shown.extend(character.escape_default());
            } else {
                shown.push(character);
            }
        }
        for byte in chunk.invalid() {
            shown.push_str("\\x");
            shown.push_str(&hexadecimal::encode(&[*byte]));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_it_is_and_the_rest_is_escaped() {
        assert_eq!(escaped("größe/1".as_bytes()), "größe/1");
        assert_eq!(escaped(b"a\tb\nc\\d\xFFe"), "a\\tb\\nc\\\\d\\xffe");
    }
}
