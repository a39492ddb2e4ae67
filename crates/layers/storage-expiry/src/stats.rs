//! What the sweeper has done since the layer was opened.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The figures of a sweeper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpiryStats {
    /// Rows that were removed since their entries had expired, one for each time at which
    /// a put of the entry was to expire; those of entries that somebody else had removed
    /// before count, too.
    pub swept: u64,
    /// Rows that were removed since their entries have been put anew.
    pub stale: u64,
    /// Removals that writers came before; they are tried again in the next round.
    pub overtaken: u64,
    /// Rows that could not be read, or whose entries could not; each counts in every round.
    pub skipped: u64,
    /// Rounds that came to their end.
    pub rounds: u64,
    /// How long ago the oldest entry had expired that the last round found; zero if it
    /// found none.
    pub lag: Duration,
    /// Why the last round failed, or what it skipped, if it did.
    pub failure: Option<String>,
}

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) swept: AtomicU64,
    pub(crate) stale: AtomicU64,
    pub(crate) overtaken: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) rounds: AtomicU64,
    lag_milliseconds: AtomicU64,
    failure: Mutex<Option<String>>,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, more: usize) {
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        counter.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn set_lag(&self, milliseconds: u64) {
        self.lag_milliseconds.store(milliseconds, Ordering::Relaxed);
    }

    pub(crate) fn set_failure(&self, failure: Option<String>) {
        *self.failure() = failure;
    }

    pub(crate) fn stats(&self) -> ExpiryStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ExpiryStats {
            swept: get(&self.swept),
            stale: get(&self.stale),
            overtaken: get(&self.overtaken),
            skipped: get(&self.skipped),
            rounds: get(&self.rounds),
            lag: Duration::from_millis(get(&self.lag_milliseconds)),
            failure: self.failure().clone(),
        }
    }

    fn failure(&self) -> MutexGuard<'_, Option<String>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
