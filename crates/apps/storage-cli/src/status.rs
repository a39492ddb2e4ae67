//! Exit codes, and the one place that decides them.

use std::process::ExitCode;

use storage::ErrorKind;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Done,
    NotFound,
    Usage,
    Conflict,
    Unavailable,
    Corrupt,
    Other,
    Interrupted,
}

impl Status {
    /// What a store's error means for whoever called the command.
    pub(crate) const fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Invalid | ErrorKind::Unsupported => Self::Usage,
            ErrorKind::Conflict => Self::Conflict,
            ErrorKind::Unavailable | ErrorKind::Throttled | ErrorKind::TimedOut => {
                Self::Unavailable
            }
            ErrorKind::Corrupt => Self::Corrupt,
            _ => Self::Other,
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NotFound => 1,
            Self::Usage => 2,
            Self::Conflict => 3,
            Self::Unavailable => 4,
            Self::Corrupt => 5,
            Self::Other => 6,
            // What shells give a program that Ctrl-C ended.
            Self::Interrupted => 130,
        }
    }

    /// The stable name that the JSON form of an error carries.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotFound => "not_found",
            Self::Usage => "usage",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
            Self::Other => "other",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        status.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_the_code_that_the_manual_gives() {
        let codes = [
            (ErrorKind::Invalid, 2),
            (ErrorKind::Unsupported, 2),
            (ErrorKind::Conflict, 3),
            (ErrorKind::Unavailable, 4),
            (ErrorKind::Throttled, 4),
            (ErrorKind::TimedOut, 4),
            (ErrorKind::Corrupt, 5),
            (ErrorKind::Denied, 6),
            (ErrorKind::Full, 6),
            (ErrorKind::SnapshotExpired, 6),
            (ErrorKind::Poisoned, 6),
            (ErrorKind::Closed, 6),
            (ErrorKind::Internal, 6),
        ];
        for (kind, code) in codes {
            assert_eq!(Status::of(kind).code(), code, "{kind}");
        }
    }
}
