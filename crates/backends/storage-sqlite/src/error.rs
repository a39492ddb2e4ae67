//! SQLite's result codes, as kinds and outcomes.

use std::{io, time::Duration};

use rusqlite::ffi;
use storage_core::{Error, ErrorKind, Outcome};

/// When to try again what another process was in the way of.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The bits of an extended result code that are the code it extends.
const PRIMARY: i32 = 0xff;

/// The storage error for an error of SQLite, which was the last to happen on
/// this thread.
pub(crate) fn from_sqlite(error: rusqlite::Error) -> Error {
    from_sqlite_behind(error, &io::Error::last_os_error())
}

/// The same, where `system` is the failed system call behind it, if any.
pub(crate) fn from_sqlite_behind(error: rusqlite::Error, system: &io::Error) -> Error {
    let Some(code) = extended_code(&error) else {
        return Error::new(ErrorKind::Internal, format!("SQLite failed: {error}"))
            .with_source(error);
    };
    let (kind, remedy) = kind_behind(code, system).unwrap_or_else(|| kind_of(code));
    let made = Error::new(kind, format!("SQLite: {error} (code {code}); {remedy}"));
    let made = match kind {
        ErrorKind::Unavailable => made.with_retry_after(RETRY_AFTER),
        _ => made,
    };
    let made = if is_busy(&error) {
        made.with_foreign_lock()
    } else {
        made
    };
    made.with_source(error)
}

/// Whether a commit that ended with this error may have been applied.
pub(crate) fn outcome_of_commit(error: &rusqlite::Error) -> Outcome {
    extended_code(error).map_or(Outcome::Unknown, outcome_of)
}

/// Whether another connection holds what is needed.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    extended_code(error)
        .is_some_and(|code| matches!(code & PRIMARY, ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED))
}

/// Whether something could not be made durable. Whoever tries again may be told
/// that all is well: the operating system reports such a failure once.
pub(crate) fn is_failed_sync(error: &rusqlite::Error) -> bool {
    extended_code(error).is_some_and(|code| {
        matches!(
            code,
            ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC | ffi::SQLITE_IOERR_TRUNCATE
        )
    })
}

/// Something that is not as this library wrote it.
pub(crate) fn corrupt(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("{what}; restore the store from a backup"),
    )
}

fn extended_code(error: &rusqlite::Error) -> Option<i32> {
    match error {
        rusqlite::Error::SqliteFailure(error, _) | rusqlite::Error::SqlInputError { error, .. } => {
            Some(error.extended_code)
        }
        _ => None,
    }
}

/// The kind of a failed system call, where SQLite's code does not tell.
fn kind_behind(code: i32, system: &io::Error) -> Option<(ErrorKind, &'static str)> {
    const PROCESS_FILES: i32 = 24;
    const SYSTEM_FILES: i32 = 23;
    match (code & PRIMARY, system.raw_os_error()) {
        (ffi::SQLITE_CANTOPEN, Some(PROCESS_FILES | SYSTEM_FILES)) => Some((
            ErrorKind::Unavailable,
            "too many files are open; close some, or raise the limit",
        )),
        (ffi::SQLITE_IOERR, _) if system.kind() == io::ErrorKind::QuotaExceeded => Some((
            ErrorKind::Full,
            "the quota is used up; free some space and try again",
        )),
        _ => None,
    }
}

/// The kind of an extended result code, and what to do about it.
fn kind_of(code: i32) -> (ErrorKind, &'static str) {
    const DAMAGED: (ErrorKind, &str) = (
        ErrorKind::Corrupt,
        "a file is damaged; restore the store from a backup",
    );
    match code {
        ffi::SQLITE_READONLY_DBMOVED => (
            ErrorKind::Unavailable,
            "the database was moved or removed while it was open; close the store, and open it where it is now",
        ),
        ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS | ffi::SQLITE_IOERR_DATA => {
            DAMAGED
        }
        ffi::SQLITE_IOERR_NOMEM => out_of_memory(),
        _ => match code & PRIMARY {
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => (
                ErrorKind::Unavailable,
                "another process or connection holds a lock on the database; end its transaction or try again",
            ),
            ffi::SQLITE_PROTOCOL | ffi::SQLITE_SCHEMA => (
                ErrorKind::Unavailable,
                "another process is at work on the database; try again",
            ),
            ffi::SQLITE_IOERR => (
                ErrorKind::Unavailable,
                "the operating system failed; see that the disk is well",
            ),
            ffi::SQLITE_NOMEM => out_of_memory(),
            ffi::SQLITE_FULL => (ErrorKind::Full, "free some space and try again"),
            ffi::SQLITE_NOLFS => (ErrorKind::Full, "the file system takes no larger file"),
            ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => DAMAGED,
            ffi::SQLITE_PERM | ffi::SQLITE_READONLY | ffi::SQLITE_CANTOPEN | ffi::SQLITE_AUTH => (
                ErrorKind::Denied,
                "give this user the right to read and write the files",
            ),
            ffi::SQLITE_TOOBIG => (ErrorKind::Invalid, "split it over several keys"),
            _ => (
                ErrorKind::Internal,
                "this is a defect, or another program changed the schema",
            ),
        },
    }
}

const fn out_of_memory() -> (ErrorKind, &'static str) {
    (
        ErrorKind::Unavailable,
        "there is no memory left; use smaller caches or batches",
    )
}

/// Whether a commit that ended with this code may have been applied.
///
/// The last thing a commit does to the log is to write a frame that marks its
/// end. What fails before is undone: another holds the lock, no room, damage
/// that was met on the way. A failure of the disk or of memory may come after
/// that frame, and then a crash would bring the commit back.
const fn outcome_of(code: i32) -> Outcome {
    match code & PRIMARY {
        ffi::SQLITE_IOERR | ffi::SQLITE_NOMEM => Outcome::Unknown,
        _ => Outcome::NotApplied,
    }
}

#[cfg(test)]
mod tests {
    use storage_core::Retry;

    use super::*;

    fn failure(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn each_code_of_sqlite_has_its_kind() {
        use ErrorKind::{Corrupt, Denied, Full, Internal, Invalid, Unavailable};
        let primary = [
            (ffi::SQLITE_ERROR, Internal),
            (ffi::SQLITE_INTERNAL, Internal),
            (ffi::SQLITE_PERM, Denied),
            (ffi::SQLITE_ABORT, Internal),
            (ffi::SQLITE_BUSY, Unavailable),
            (ffi::SQLITE_LOCKED, Unavailable),
            (ffi::SQLITE_NOMEM, Unavailable),
            (ffi::SQLITE_READONLY, Denied),
            (ffi::SQLITE_INTERRUPT, Internal),
            (ffi::SQLITE_IOERR, Unavailable),
            (ffi::SQLITE_CORRUPT, Corrupt),
            (ffi::SQLITE_NOTFOUND, Internal),
            (ffi::SQLITE_FULL, Full),
            (ffi::SQLITE_CANTOPEN, Denied),
            (ffi::SQLITE_PROTOCOL, Unavailable),
            (ffi::SQLITE_EMPTY, Internal),
            (ffi::SQLITE_SCHEMA, Unavailable),
            (ffi::SQLITE_TOOBIG, Invalid),
            (ffi::SQLITE_CONSTRAINT, Internal),
            (ffi::SQLITE_MISMATCH, Internal),
            (ffi::SQLITE_MISUSE, Internal),
            (ffi::SQLITE_NOLFS, Full),
            (ffi::SQLITE_AUTH, Denied),
            (ffi::SQLITE_FORMAT, Internal),
            (ffi::SQLITE_RANGE, Internal),
            (ffi::SQLITE_NOTADB, Corrupt),
        ];
        let extended = [
            (ffi::SQLITE_BUSY_RECOVERY, Unavailable),
            (ffi::SQLITE_BUSY_SNAPSHOT, Unavailable),
            (ffi::SQLITE_LOCKED_SHAREDCACHE, Unavailable),
            (ffi::SQLITE_READONLY_DBMOVED, Unavailable),
            (ffi::SQLITE_READONLY_DIRECTORY, Denied),
            (ffi::SQLITE_READONLY_RECOVERY, Denied),
            (ffi::SQLITE_IOERR_READ, Unavailable),
            (ffi::SQLITE_IOERR_WRITE, Unavailable),
            (ffi::SQLITE_IOERR_FSYNC, Unavailable),
            (ffi::SQLITE_IOERR_SHMMAP, Unavailable),
            (ffi::SQLITE_IOERR_SHORT_READ, Corrupt),
            (ffi::SQLITE_IOERR_CORRUPTFS, Corrupt),
            (ffi::SQLITE_IOERR_DATA, Corrupt),
            (ffi::SQLITE_IOERR_NOMEM, Unavailable),
            (ffi::SQLITE_CORRUPT_INDEX, Corrupt),
            (ffi::SQLITE_CORRUPT_VTAB, Corrupt),
            (ffi::SQLITE_CANTOPEN_ISDIR, Denied),
            (ffi::SQLITE_CONSTRAINT_DATATYPE, Internal),
        ];
        for (code, kind) in primary.into_iter().chain(extended) {
            let error = from_sqlite(failure(code));
            assert_eq!(error.kind(), kind, "code {code}: {error}");
            assert!(error.message().contains(&format!("code {code}")), "{error}");
            let is_retryable = error.retry() != Retry::Never;
            assert_eq!(is_retryable, kind == Unavailable, "code {code}");
        }
        let error = from_sqlite(rusqlite::Error::QueryReturnedNoRows);
        assert_eq!(error.kind(), Internal);
    }

    #[test]
    fn the_operating_system_tells_a_quota_and_a_lack_of_descriptors() {
        const EMFILE: i32 = 24;
        const EDQUOT: i32 = 122;
        let kind = |code, system| {
            let found = kind_behind(code, &io::Error::from_raw_os_error(system));
            found.map(|(kind, _)| kind)
        };
        let unavailable = Some(ErrorKind::Unavailable);
        assert_eq!(kind(ffi::SQLITE_CANTOPEN, EMFILE), unavailable);
        assert_eq!(kind(ffi::SQLITE_CANTOPEN, EDQUOT), None);
        assert_eq!(kind(ffi::SQLITE_IOERR_WRITE, EDQUOT), Some(ErrorKind::Full));
        assert_eq!(kind(ffi::SQLITE_READONLY, EMFILE), None);
    }

    #[test]
    fn a_failed_commit_is_known_to_be_undone_unless_its_last_frame_may_be_written() {
        for (code, outcome) in [
            (ffi::SQLITE_BUSY, Outcome::NotApplied),
            (ffi::SQLITE_BUSY_SNAPSHOT, Outcome::NotApplied),
            (ffi::SQLITE_FULL, Outcome::NotApplied),
            (ffi::SQLITE_CORRUPT, Outcome::NotApplied),
            (ffi::SQLITE_TOOBIG, Outcome::NotApplied),
            (ffi::SQLITE_READONLY, Outcome::NotApplied),
            (ffi::SQLITE_IOERR_WRITE, Outcome::Unknown),
            (ffi::SQLITE_IOERR_FSYNC, Outcome::Unknown),
            (ffi::SQLITE_IOERR_SHMSIZE, Outcome::Unknown),
            (ffi::SQLITE_NOMEM, Outcome::Unknown),
        ] {
            assert_eq!(outcome_of_commit(&failure(code)), outcome, "code {code}");
        }
    }

    #[test]
    fn failed_syncs_and_locks_are_told_from_other_failures() {
        assert!(is_failed_sync(&failure(ffi::SQLITE_IOERR_FSYNC)));
        assert!(!is_failed_sync(&failure(ffi::SQLITE_IOERR_WRITE)));
        assert!(is_busy(&failure(ffi::SQLITE_BUSY_RECOVERY)));
        assert!(!is_busy(&failure(ffi::SQLITE_FULL)));
    }
}
