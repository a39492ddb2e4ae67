//! Why a request failed, and what is known of it then.

use std::time::Duration;

use storage_core::{Error, ErrorKind, Outcome};

/// How long to leave a store alone that is not well.
pub(crate) const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Why a request failed, and what became of it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) fate: Fate,
}

/// What became of a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was not sent, or was refused: it did nothing.
    Refused,
    /// It had a condition, which does not hold: it did nothing.
    ConditionFailed,
    /// There is no such object. It did nothing.
    Absent,
    /// It may have been done, and if it changes something, may be done later.
    Lost,
}

impl Failure {
    pub(crate) const fn new(error: Error, fate: Fate) -> Self {
        Self { error, fate }
    }

    /// Whether a read may do better in a moment.
    pub(crate) fn may_pass(&self) -> bool {
        self.error.kind() == ErrorKind::Unavailable
    }

    /// The error of a commit that this ended.
    pub(crate) fn of_commit(self) -> Error {
        let outcome = match self.fate {
            Fate::Lost => Outcome::Unknown,
            Fate::Refused | Fate::ConditionFailed | Fate::Absent => Outcome::NotApplied,
        };
        self.error.with_outcome(outcome)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// The time for a request ran out.
pub(crate) fn timed_out() -> Error {
    Error::new(
        ErrorKind::TimedOut,
        "the object store has not answered in time",
    )
    .with_retry_after(RETRY_AFTER)
}
