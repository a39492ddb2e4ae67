//! sled's errors, as kinds.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use sled::DiskPtr;
use storage_core::{Error, ErrorKind, Outcome, Result};

/// The storage error for an error of sled.
pub(crate) fn from_sled(error: sled::Error) -> Error {
    match error {
        sled::Error::Io(error) => from_io(error),
        sled::Error::Corruption { at, .. } => corrupt(&match at {
            Some(DiskPtr::Inline(offset)) => format!("a page at byte {offset} of data/db"),
            Some(DiskPtr::Blob(_, blob)) => format!("data/blobs/{blob}"),
            None => "an unreadable page".to_owned(),
        }),
        error @ (sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_)) => {
            Error::new(ErrorKind::Internal, format!("sled failed: {error}")).with_source(error)
        }
    }
}

/// The storage error for a failed call on one of sled's own files. That such a
/// file is missing, cut off or leads out of bounds is damage.
fn from_io(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidData
        | io::ErrorKind::UnexpectedEof => corrupt(&error.to_string()).with_source(error),
        _ => Error::io("sled", error),
    }
}

/// Opens sled's files with `open`. Damaged ones may make sled panic; that is
/// corruption like any other.
pub(crate) fn opening<T>(open: impl FnOnce() -> sled::Result<T>) -> Result<T> {
    let opened = catch_unwind(AssertUnwindSafe(open)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        corrupt(text.unwrap_or("sled panicked on them"))
    })?;
    opened.map_err(|error| match error {
        // What sled misses in its files is there in those of a sound store.
        sled::Error::ReportableBug(what) | sled::Error::Unsupported(what) => corrupt(&what),
        error => from_sled(error),
    })
}

/// What sled's files are if `what` is wrong with them.
pub(crate) fn corrupt(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("sled's files are damaged ({what}); restore the store from a backup"),
    )
}

/// The answer to a write after an earlier one has failed, which sled never
/// recovers from.
pub(crate) fn poisoned(cause: &impl ToString) -> Error {
    Error::new(
        ErrorKind::Poisoned,
        "an earlier write failed in the background; see that the disk is well and not full, then reopen the store",
    )
    .with_outcome(Outcome::NotApplied)
    .with_source(cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_sled_has_its_kind() {
        let io = |code| sled::Error::Io(io::Error::from_raw_os_error(code));
        let corruption = |at| sled::Error::Corruption { at, bt: () };
        for (error, kind) in [
            (io(28), ErrorKind::Full),
            (io(13), ErrorKind::Denied),
            (io(5), ErrorKind::Unavailable),
            (io(2), ErrorKind::Corrupt),
            (io(22), ErrorKind::Corrupt),
            (corruption(None), ErrorKind::Corrupt),
            (corruption(Some(DiskPtr::Inline(7))), ErrorKind::Corrupt),
            (corruption(Some(DiskPtr::Blob(7, 8))), ErrorKind::Corrupt),
            (
                sled::Error::CollectionNotFound("x".into()),
                ErrorKind::Internal,
            ),
            (sled::Error::Unsupported("x".into()), ErrorKind::Internal),
            (sled::Error::ReportableBug("x".into()), ErrorKind::Internal),
        ] {
            // What sled hands out to all but the first is a copy.
            let copy = from_sled(error.clone());
            let error = from_sled(error);
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!(copy.kind(), kind, "{error}");
        }
    }

    #[test]
    fn damage_is_named_with_its_place() {
        let at = Some(DiskPtr::Inline(4_711));
        let error = from_sled(sled::Error::Corruption { at, bt: () });
        assert!(error.message().contains("byte 4711"), "{error}");
    }

    #[test]
    fn a_panic_while_opening_is_damage() {
        let error = opening::<()>(|| panic!("no such page")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains("no such page"), "{error}");
    }
}
