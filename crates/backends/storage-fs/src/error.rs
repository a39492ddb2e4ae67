//! What goes wrong with files, as errors of the store.

use std::{fmt::Display, io};

use storage_core::{Error, ErrorKind, Outcome};

use crate::files::{FileName, ReadError, VALUES};

/// A file of the store, at a path below `data`, is not what was written.
pub(crate) fn damaged(path: &str, what: impl Display) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("data/{path} {what}; restore the store from a backup"),
    )
}

/// The operating system failed at doing something to a file of the store.
pub(crate) fn failed(doing: impl Display, path: &str, error: io::Error) -> Error {
    Error::io(format!("{doing} data/{path}"), error)
}

/// A value cannot be read. The file is named without its key.
pub(crate) fn unreadable(name: &FileName, error: ReadError) -> Error {
    let path = format!("{VALUES}/{}", name.shown());
    match error {
        ReadError::Missing => damaged(&path, "is missing"),
        ReadError::Damaged(what) => damaged(&path, what),
        ReadError::Io(error) => failed("reading", &path, error),
    }
}

/// An earlier failure left the engine unsure of its files.
pub(crate) fn poisoned(cause: &str) -> Error {
    Error::new(
        ErrorKind::Poisoned,
        format!(
            "an earlier write failed ({cause}), so what is on the disk is unknown; see that the \
             disk is well, then reopen the store"
        ),
    )
    .with_outcome(Outcome::NotApplied)
}

#[cfg(test)]
mod tests {
    use storage_core::Key;

    use super::*;
    use crate::{Codec, version::VersionId};

    #[test]
    fn an_unreadable_value_is_named_by_its_file_and_not_by_its_key() {
        let key = storage_core::embedded::flat_key::flat(Key::user(b"secret"));
        let name = FileName::new(&key, VersionId(42), Codec::None);
        let io = |code| ReadError::Io(io::Error::from_raw_os_error(code));
        for (error, kind) in [
            (ReadError::Missing, ErrorKind::Corrupt),
            (ReadError::Damaged("is cut".into()), ErrorKind::Corrupt),
            (io(13), ErrorKind::Denied),
            (io(5), ErrorKind::Unavailable),
            (io(24), ErrorKind::Unavailable),
        ] {
            let error = unreadable(&name, error);
            assert_eq!(error.kind(), kind, "{error}");
            assert!(
                error.message().contains("data/values/0/000/42.*"),
                "{error}"
            );
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_poisoned_engine_names_the_cause_and_applies_nothing() {
        let error = poisoned("no light");
        assert_eq!(error.outcome(), Some(Outcome::NotApplied));
        assert!(error.message().contains("no light"));
    }
}
