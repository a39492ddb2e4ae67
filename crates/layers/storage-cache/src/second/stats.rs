//! What a second level tells of itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the second level of a cache has done, and what it holds. All zero without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecondLevelStats {
    /// Whether it is read and filled at the moment.
    pub is_read: bool,
    /// Misses in memory that were answered with an entry from here.
    pub hits: u64,
    /// Misses here as well.
    pub misses: u64,
    /// What was put there after a read of the store.
    pub fills: u64,
    /// What was not put there: it was not read at the moment, or could not keep up.
    pub dropped_fills: u64,
    /// What its store takes no keys or values for that are so long.
    pub oversized: u64,
    /// Reads and writes that failed or took too long, and rows that were damaged.
    /// None was seen by anybody who reads or commits.
    pub failures: u64,
    /// How often its rows were given up because too many waited to be removed.
    pub overflows: u64,
    /// How often it began anew, without the rows from before.
    pub epochs: u64,
    /// The bytes of keys and rows that it was given since it last began anew.
    pub bytes: u64,
    /// The bytes after which it begins anew.
    pub capacity_bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    fills: AtomicU64,
    dropped_fills: AtomicU64,
    pub(super) oversized: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) overflows: AtomicU64,
    pub(super) epochs: AtomicU64,
}

impl Counts {
    pub(super) fn count_read(&self, is_hit: bool) {
        let count = if is_hit { &self.hits } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_fill(&self, is_kept: bool) {
        let count = if is_kept {
            &self.fills
        } else {
            &self.dropped_fills
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self, bytes: u64, capacity_bytes: u64, is_read: bool) -> SecondLevelStats {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SecondLevelStats {
            is_read,
            hits: of(&self.hits),
            misses: of(&self.misses),
            fills: of(&self.fills),
            dropped_fills: of(&self.dropped_fills),
            oversized: of(&self.oversized),
            failures: of(&self.failures),
            overflows: of(&self.overflows),
            epochs: of(&self.epochs),
            bytes,
            capacity_bytes,
        }
    }
}
