//! The words an error is made of: kind, retry, outcome, operation.

use std::{fmt, time::Duration};

/// What went wrong, in terms a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request can never succeed as it stands: fix the call.
    Invalid,
    /// The store does not offer what was asked for; its capabilities say so.
    Unsupported,
    /// A guard did not hold: read again and decide anew.
    Conflict,
    /// Credentials or rights are missing.
    Denied,
    /// The store cannot be reached or is held by somebody else.
    Unavailable,
    /// The store has too much to do: slow down.
    Throttled,
    /// The time for the request ran out.
    TimedOut,
    /// There is no room left.
    Full,
    /// Stored data is damaged or is not what it should be.
    Corrupt,
    /// The snapshot is older than the store can keep it.
    SnapshotExpired,
    /// An earlier failure left the store unsure of its disk: reopen it.
    Poisoned,
    /// The store was closed.
    Closed,
    /// A defect of this library or of an engine.
    Internal,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "invalid",
            Self::Unsupported => "unsupported",
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Throttled => "throttled",
            Self::TimedOut => "timed out",
            Self::Full => "full",
            Self::Corrupt => "corrupt",
            Self::SnapshotExpired => "snapshot expired",
            Self::Poisoned => "poisoned",
            Self::Closed => "closed",
            Self::Internal => "internal",
        })
    }
}

/// Whether the same request may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Not without a change by the caller or an operator.
    Never,
    /// Perhaps, after waiting this long.
    After(Duration),
}

/// Whether a failed write may have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It did not, and will not.
    NotApplied,
    /// It may have, now or after the next open: read to find out.
    Unknown,
}

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Opening a store.
    Open,
    /// A point read, or several.
    Get,
    /// A scan.
    Scan,
    /// A commit.
    Commit,
    /// Taking a snapshot.
    Snapshot,
    /// Reading statistics or health.
    Inspect,
    /// An integrity check.
    Check,
    /// Maintenance.
    Maintain,
    /// Closing a store.
    Close,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Get => "get",
            Self::Scan => "scan",
            Self::Commit => "commit",
            Self::Snapshot => "snapshot",
            Self::Inspect => "inspect",
            Self::Check => "check",
            Self::Maintain => "maintain",
            Self::Close => "close",
        })
    }
}
