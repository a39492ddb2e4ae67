//! RocksDB's errors, as kinds.
//!
//! RocksDB has one code for all failures of the operating system and gives the
//! words of `strerror` with it, by which the number is found again.

use std::{io, time::Duration};

use rocksdb::ErrorKind as Code;
use storage_core::{Error, ErrorKind, Outcome};

/// When to try again what something else is in the way of.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How the anchored path of a store directory begins, before a number.
const ANCHOR: &str = "/proc/self/fd/";

/// No operating system numbers its errors beyond.
const OS_CODE_MAX: i32 = 133;

/// The storage error for an error of RocksDB.
pub(crate) fn from_rocks(error: rocksdb::Error) -> Error {
    from_parts(&error.kind(), &for_people(error.as_ref())).with_source(error)
}

/// What RocksDB says, without the way by which it was led to the store: that
/// means nothing to anybody else.
fn for_people(text: &str) -> String {
    let mut parts = text.split(ANCHOR);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| {
        let within = part.trim_start_matches(|c: char| c.is_ascii_digit());
        said + within.strip_prefix('/').unwrap_or(within)
    })
}

/// The storage error for a write that failed, or that RocksDB refused.
pub(crate) fn from_write(error: rocksdb::Error) -> Error {
    of_write(from_rocks(error))
}

/// Whether RocksDB answers that it would have to wait for a disk, or sleep.
pub(crate) fn would_wait(error: &rocksdb::Error) -> bool {
    error.kind() == Code::Incomplete && refused_because(error.as_ref()).is_none()
}

/// An error of damaged files.
pub(crate) fn corrupt(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("RocksDB's files are damaged ({what}); restore the store from a backup"),
    )
}

fn from_parts(code: &Code, text: &str) -> Error {
    let made = |kind, remedy| Error::new(kind, format!("RocksDB: {text}; {remedy}"));
    match code {
        // What RocksDB looks for by itself was there once.
        Code::Corruption | Code::NotFound => corrupt(text),
        Code::InvalidArgument if is_missing_database(text) => corrupt(text),
        Code::InvalidArgument => made(ErrorKind::Invalid, "check the settings"),
        Code::NotSupported => made(
            ErrorKind::Unsupported,
            "open the store with the version that wrote it, or a newer one",
        ),
        Code::IOError => from_io(text),
        Code::Incomplete => match refused_because(text) {
            Some(cause) => from_io(cause),
            None => made(ErrorKind::Throttled, "wait until files are merged")
                .with_retry_after(RETRY_AFTER),
        },
        Code::CompactionTooLarge => made(ErrorKind::Full, "free some space"),
        Code::ShutdownInProgress => Error::closed(),
        Code::TimedOut => made(ErrorKind::TimedOut, "try again").with_retry_after(RETRY_AFTER),
        Code::Aborted | Code::Busy | Code::TryAgain => {
            made(ErrorKind::Unavailable, "try again").with_retry_after(RETRY_AFTER)
        }
        // Of merges, transactions and column families, none of which are used.
        Code::MergeInProgress | Code::Expired | Code::ColumnFamilyDropped | Code::Unknown => {
            made(ErrorKind::Internal, "this is a defect; report it")
        }
    }
}

/// The storage error for a failed call of the operating system. That a file of
/// RocksDB's own is missing is damage.
fn from_io(text: &str) -> Error {
    let Some(code) = os_code(text) else {
        return Error::new(ErrorKind::Unavailable, format!("RocksDB: {text}"));
    };
    let error = io::Error::from_raw_os_error(code);
    match error.kind() {
        io::ErrorKind::NotFound => corrupt(text),
        // Mostly it goes on once there is room.
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::new(
            ErrorKind::Full,
            format!(
                "RocksDB: {text}; free some space, and reopen the store if it does not go on within some seconds"
            ),
        )
        .with_source(error),
        _ => Error::io(format!("RocksDB: {text}"), error),
    }
}

/// The number of the operating system's error that `text` describes.
fn os_code(text: &str) -> Option<i32> {
    (1..=OS_CODE_MAX).find(|code| {
        let described = io::Error::from_raw_os_error(*code).to_string();
        let words = described.split(" (os error").next().unwrap_or_default();
        text.trim_end().ends_with(words) || text.contains(&format!("{words}:"))
    })
}

/// Why RocksDB has stopped taking writes, where it does not merely ask to wait.
fn refused_because(text: &str) -> Option<&str> {
    text.find("IO error: ").and_then(|start| text.get(start..))
}

fn is_missing_database(text: &str) -> bool {
    text.contains("create_if_missing is false")
}

fn of_write(error: Error) -> Error {
    match error.kind() {
        // The log was not written, or its last record is cut short, and RocksDB
        // goes on in another log. So the changes are not there, and will not be.
        ErrorKind::Full | ErrorKind::Throttled => error.with_outcome(Outcome::NotApplied),
        // After any other failure RocksDB takes no more writes.
        ErrorKind::Unavailable | ErrorKind::Denied => Error::new(
            ErrorKind::Poisoned,
            format!(
                "{}; RocksDB takes no more writes: see that the disk is well, then reopen the store",
                error.message()
            ),
        )
        .with_outcome(Outcome::Unknown)
        .with_source(error),
        _ => error.with_outcome(Outcome::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_of_rocksdb_has_its_kind() {
        for (code, text, kind) in [
            (Code::NotFound, "NotFound: ", ErrorKind::Corrupt),
            (
                Code::Corruption,
                "Corruption: block checksum mismatch: stored = 1, computed = 2  in /d/000012.sst offset 0 size 9",
                ErrorKind::Corrupt,
            ),
            (
                Code::NotSupported,
                "Not implemented: Compression type ZSTD",
                ErrorKind::Unsupported,
            ),
            (
                Code::InvalidArgument,
                "Invalid argument: /d/CURRENT: does not exist (create_if_missing is false)",
                ErrorKind::Corrupt,
            ),
            (
                Code::InvalidArgument,
                "Invalid argument: Bad setting",
                ErrorKind::Invalid,
            ),
            (
                Code::MergeInProgress,
                "Merge in progress: ",
                ErrorKind::Internal,
            ),
            (
                Code::Incomplete,
                "Result incomplete: Write stall",
                ErrorKind::Throttled,
            ),
            (
                Code::Incomplete,
                "Result incomplete: IO error: No space left on device: While appending to file: /d/000004.log: No space left on device",
                ErrorKind::Full,
            ),
            (
                Code::ShutdownInProgress,
                "Shutdown in progress: ",
                ErrorKind::Closed,
            ),
            (Code::TimedOut, "Operation timed out: ", ErrorKind::TimedOut),
            (Code::Aborted, "Operation aborted: ", ErrorKind::Unavailable),
            (Code::Busy, "Resource busy: ", ErrorKind::Unavailable),
            (Code::Expired, "Operation expired: ", ErrorKind::Internal),
            (
                Code::TryAgain,
                "Operation failed. Try again.: ",
                ErrorKind::Unavailable,
            ),
            (
                Code::CompactionTooLarge,
                "Compaction too large: ",
                ErrorKind::Full,
            ),
            (
                Code::ColumnFamilyDropped,
                "Column family dropped: ",
                ErrorKind::Internal,
            ),
            (Code::Unknown, "?", ErrorKind::Internal),
        ] {
            assert_eq!(from_parts(&code, text).kind(), kind, "{text}");
        }
    }

    #[test]
    fn each_failure_of_the_operating_system_has_its_kind() {
        for (text, kind) in [
            (
                "IO error: No space left on device: While appending to file: /d/000004.log: No space left on device",
                ErrorKind::Full,
            ),
            (
                "IO error: While appending to file: /d/000004.log: Disk quota exceeded",
                ErrorKind::Full,
            ),
            (
                "IO error: While appending to file: /d/000004.log: File too large",
                ErrorKind::Full,
            ),
            (
                "IO error: While open a file for appending: /d/000004.log: Permission denied",
                ErrorKind::Denied,
            ),
            (
                "IO error: While open a file for appending: /d/000004.log: Read-only file system",
                ErrorKind::Denied,
            ),
            (
                "IO error: No such file or directory: While open a file for random read: /d/000012.sst: No such file or directory",
                ErrorKind::Corrupt,
            ),
            (
                "IO error: While open a file for random read: /d/000012.sst: Too many open files",
                ErrorKind::Unavailable,
            ),
            (
                "IO error: While lock file: /d/LOCK: Resource temporarily unavailable",
                ErrorKind::Unavailable,
            ),
            (
                "IO error: While fdatasync: /d/000004.log: Input/output error",
                ErrorKind::Unavailable,
            ),
            ("IO error: Stale file handle", ErrorKind::Unavailable),
            ("IO error: IO fenced off", ErrorKind::Unavailable),
        ] {
            assert_eq!(from_parts(&Code::IOError, text).kind(), kind, "{text}");
        }
    }

    #[test]
    fn a_file_is_named_from_the_store_directory_on() {
        assert_eq!(
            for_people("Corruption: in /proc/self/fd/12/data/000012.sst: as /proc/self/fd/3"),
            "Corruption: in data/000012.sst: as "
        );
    }

    #[test]
    fn a_failed_write_says_whether_it_may_have_been_applied() {
        let failed = |text| {
            let error = of_write(from_parts(&Code::IOError, text));
            (error.kind(), error.outcome())
        };
        assert_eq!(
            failed("IO error: No space left on device: x: No space left on device"),
            (ErrorKind::Full, Some(Outcome::NotApplied))
        );
        assert_eq!(
            failed("IO error: x: Input/output error"),
            (ErrorKind::Poisoned, Some(Outcome::Unknown))
        );
        let error = of_write(from_parts(&Code::Corruption, "Corruption: x"));
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Corrupt, Some(Outcome::Unknown))
        );
    }
}
