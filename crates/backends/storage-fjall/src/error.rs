//! fjall's errors, as kinds.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use storage_core::{Error, ErrorKind, Outcome, Result};

/// The storage error for an error of fjall.
pub(crate) fn from_fjall(error: fjall::Error) -> Error {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => {
            from_io(error)
        }
        fjall::Error::Locked => Error::new(
            ErrorKind::Unavailable,
            "fjall's files are open already; close the store there first",
        )
        .with_retry_after(std::time::Duration::from_secs(1)),
        fjall::Error::Poisoned => Error::new(
            ErrorKind::Poisoned,
            "an earlier write failed, here or in the background; see that the disk is well and not full, then reopen the store",
        )
        .with_outcome(Outcome::NotApplied),
        error @ (fjall::Error::JournalRecovery(_)
        | fjall::Error::Decompress(_)
        | fjall::Error::InvalidTrailer
        | fjall::Error::InvalidTag(_)
        | fjall::Error::InvalidVersion(_)
        | fjall::Error::Unrecoverable
        | fjall::Error::Storage(_)) => corrupt(&error.to_string()).with_source(error),
        error => Error::new(ErrorKind::Internal, format!("fjall failed: {error}"))
            .with_source(error),
    }
}

/// The storage error for a failed call on one of fjall's own files. That such a
/// file is missing, cut off or leads out of bounds is damage.
fn from_io(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidData
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::Other => corrupt(&error.to_string()).with_source(error),
        _ => Error::io("fjall", error),
    }
}

/// Opens fjall's files with `open`. Damaged ones may make fjall panic; that is
/// corruption like any other.
pub(crate) fn opening<T>(open: impl FnOnce() -> fjall::Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(open))
        .map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            corrupt(text.unwrap_or("fjall panicked on them"))
        })?
        .map_err(from_fjall)
}

fn corrupt(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("fjall's files are damaged ({what}); restore the store from a backup"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_fjall_has_its_kind() {
        let io = |code| fjall::Error::Io(io::Error::from_raw_os_error(code));
        for (error, kind) in [
            (io(28), ErrorKind::Full),
            (io(13), ErrorKind::Denied),
            (io(5), ErrorKind::Unavailable),
            (io(2), ErrorKind::Corrupt),
            (io(22), ErrorKind::Corrupt),
            (fjall::Error::Locked, ErrorKind::Unavailable),
            (fjall::Error::Poisoned, ErrorKind::Poisoned),
            (fjall::Error::Unrecoverable, ErrorKind::Corrupt),
            (fjall::Error::InvalidVersion(None), ErrorKind::Corrupt),
            (fjall::Error::InvalidTrailer, ErrorKind::Corrupt),
            (fjall::Error::KeyspaceDeleted, ErrorKind::Internal),
            (
                fjall::Error::Storage(fjall::LsmError::Unrecoverable),
                ErrorKind::Corrupt,
            ),
        ] {
            let text = error.to_string();
            assert_eq!(from_fjall(error).kind(), kind, "{text}");
        }
    }
}
