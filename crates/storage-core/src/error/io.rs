//! Input and output errors of the operating system, as kinds.

use std::{borrow::Cow, io, time::Duration};

use super::{Error, ErrorKind};

impl Error {
    /// The storage error for a failure of the operating system. `message` says
    /// what was attempted and on which file.
    #[must_use]
    pub fn io(message: impl Into<Cow<'static, str>>, error: io::Error) -> Self {
        let (kind, remedy) = match error.kind() {
            _ if is_out_of_files(&error) => (
                ErrorKind::Unavailable,
                "too many files are open; close some, or raise the limit",
            ),
            io::ErrorKind::PermissionDenied => {
                (ErrorKind::Denied, "give this user the right to write there")
            }
            io::ErrorKind::ReadOnlyFilesystem => (
                ErrorKind::Denied,
                "the file system is read-only; mount it for writing",
            ),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                (ErrorKind::Full, "free some space and reopen the store")
            }
            io::ErrorKind::FileTooLarge => (ErrorKind::Full, "raise the limit on file sizes"),
            io::ErrorKind::NotFound
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::InvalidInput => (ErrorKind::Invalid, "check the path"),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => (
                ErrorKind::Corrupt,
                "a file is damaged; restore it from a backup",
            ),
            _ => (
                ErrorKind::Unavailable,
                "the operating system failed; see the cause",
            ),
        };
        let message = message.into();
        let made = Self::new(kind, format!("{message}: {error}; {remedy}")).with_source(error);
        match kind {
            ErrorKind::Unavailable => made.with_retry_after(Duration::from_secs(1)),
            _ => made,
        }
    }
}

/// Whether no file can be opened because too many are.
fn is_out_of_files(error: &io::Error) -> bool {
    const OF_THE_SYSTEM: i32 = 23;
    const OF_THE_PROCESS: i32 = 24;
    matches!(error.raw_os_error(), Some(OF_THE_SYSTEM | OF_THE_PROCESS)) && cfg!(unix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_of_the_operating_system_has_its_kind() {
        for (code, kind) in [
            (28, ErrorKind::Full),       // ENOSPC
            (122, ErrorKind::Full),      // EDQUOT
            (30, ErrorKind::Denied),     // EROFS
            (13, ErrorKind::Denied),     // EACCES
            (5, ErrorKind::Unavailable), // EIO
            (2, ErrorKind::Invalid),     // ENOENT
            (20, ErrorKind::Invalid),    // ENOTDIR
        ] {
            let error = Error::io("writing x", io::Error::from_raw_os_error(code));
            assert_eq!(error.kind(), kind, "code {code}");
        }
        for code in [23, 24] {
            let error = Error::io("opening x", io::Error::from_raw_os_error(code));
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.message().contains("raise the limit"), "{error}");
        }
    }
}
