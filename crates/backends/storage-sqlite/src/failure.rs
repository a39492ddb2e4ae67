//! Why a commit failed, and what is known of it then.

use std::{io, time::Duration};

use storage_core::{Error, ErrorKind, Outcome};

use crate::error::{from_sqlite_behind, is_busy, is_failed_sync, outcome_of_commit};

/// When to try again what another process has overtaken.
const RETRY_AFTER: Duration = Duration::from_millis(1);

/// Why changes were not applied, or may not have been.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Another process committed first. Nothing was applied.
    Overtaken,
    /// SQLite reports an error.
    Sqlite {
        error: rusqlite::Error,
        /// The failed system call behind it, if there is one.
        system: io::Error,
        stage: Stage,
    },
}

/// How far a commit got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    BeforeCommit,
    AtCommit,
}

impl Failure {
    pub(crate) fn before_commit(error: rusqlite::Error) -> Self {
        Self::at(Stage::BeforeCommit, error)
    }

    pub(crate) fn at_commit(error: rusqlite::Error) -> Self {
        Self::at(Stage::AtCommit, error)
    }

    /// The error was the last to happen on this thread: what is done about it may
    /// fail too, so the system's word is taken now.
    fn at(stage: Stage, error: rusqlite::Error) -> Self {
        Self::Sqlite {
            error,
            system: io::Error::last_os_error(),
            stage,
        }
    }

    /// Whether another process holds the lock.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite { error, .. } if is_busy(error))
    }

    /// Whether another process committed first.
    pub(crate) const fn is_overtaken(&self) -> bool {
        matches!(self, Self::Overtaken)
    }

    /// Whether something may not be durable that has to be.
    pub(crate) fn is_failed_sync(&self) -> bool {
        matches!(self, Self::Sqlite { error, .. } if is_failed_sync(error))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            // As behind a lock, the rest of the group is refused too: its guards
            // were judged before as well.
            Failure::Overtaken => Self::new(
                ErrorKind::Unavailable,
                "another process wrote to the database since the commit was judged; read again what it depends on, and try again",
            )
            .with_retry_after(RETRY_AFTER)
            .with_foreign_lock()
            .with_outcome(Outcome::NotApplied),
            Failure::Sqlite {
                error,
                system,
                stage,
            } => {
                let outcome = match stage {
                    Stage::BeforeCommit => Outcome::NotApplied,
                    Stage::AtCommit => outcome_of_commit(&error),
                };
                from_sqlite_behind(error, &system).with_outcome(outcome)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overtaken_commit_lets_nothing_be_applied_that_was_judged_with_it() {
        let error = Error::from(Failure::Overtaken);
        assert!(error.is_foreign_lock());
        assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    }
}
