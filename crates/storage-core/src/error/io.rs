//! Input and output errors of the operating system, as kinds.

use std::{borrow::Cow, io, time::Duration};

use super::{Error, ErrorKind};

impl Error {
    /// The storage error for a failure of the operating system. `message` says
    /// what was attempted and on which file.
    #[must_use]
    pub fn io(message: impl Into<Cow<'static, str>>, error: io::Error) -> Self {
        let (kind, remedy) = match error.kind() {
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
    }
}
