//! Why a commit failed, and what is known of it then.

use std::time::Duration;

use storage_core::{Error, ErrorKind, Outcome};

use crate::error::{from_commit, from_sqlite, is_busy, is_failed_sync};

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
    pub(crate) const fn before_commit(error: rusqlite::Error) -> Self {
        Self::Sqlite {
            error,
            stage: Stage::BeforeCommit,
        }
    }

    pub(crate) const fn at_commit(error: rusqlite::Error) -> Self {
        Self::Sqlite {
            error,
            stage: Stage::AtCommit,
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
                stage: Stage::BeforeCommit,
            } => from_sqlite(error).with_outcome(Outcome::NotApplied),
            Failure::Sqlite {
                error,
                stage: Stage::AtCommit,
            } => from_commit(error),
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
