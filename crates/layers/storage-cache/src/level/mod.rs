//! The level in memory: a bounded map that decides what to give up.

mod adaptive;
mod door;
mod order;
mod plain;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use self::{adaptive::Adaptive, plain::Plain};
use crate::{
    CacheConfig, Policy,
    cached::Cached,
    key::{CacheKey, Lookup},
};

/// What is kept in memory. Every method is one atomic step for its key.
pub(crate) struct Level {
    kept: Kept,
    capacity: AtomicU64,
    evictions: Arc<AtomicU64>,
}

enum Kept {
    Adaptive(Adaptive),
    Plain(Plain),
}

/// Calls a method of whatever keeps the entries.
macro_rules! each {
    ($self:expr, $kept:ident => $call:expr) => {
        match &$self.kept {
            Kept::Adaptive($kept) => $call,
            Kept::Plain($kept) => $call,
        }
    };
}

impl Level {
    pub(crate) fn new(config: &CacheConfig) -> Self {
        let evictions = Arc::<AtomicU64>::default();
        let kept = match config.policy {
            Policy::Adaptive => Kept::Adaptive(Adaptive::new(config, Arc::clone(&evictions))),
            _ => Kept::Plain(Plain::new(config, Arc::clone(&evictions))),
        };
        let level = Self {
            kept,
            capacity: AtomicU64::default(),
            evictions,
        };
        level.resize(config.capacity_bytes);
        level
    }

    /// What is known of `key`; counts as a use of it.
    #[inline]
    pub(crate) fn get(&self, key: Lookup<'_>) -> Option<Cached> {
        each!(self, kept => kept.get(key))
    }

    /// Whether anything is known of `key`; counts as no use of it.
    pub(crate) fn contains(&self, key: Lookup<'_>) -> bool {
        each!(self, kept => kept.contains(key))
    }

    /// Whether to keep what was read of a key of this hash, or to wait until it is missed
    /// again soon: the adaptive policy does so when it is full.
    pub(crate) fn admits(&self, hash: u64) -> bool {
        match &self.kept {
            Kept::Adaptive(kept) => kept.door().admits(hash),
            Kept::Plain(_) => true,
        }
    }

    /// Keeps what is read next of a key of this hash, full or not.
    pub(crate) fn expect(&self, hash: u64) {
        if let Kept::Adaptive(kept) = &self.kept {
            kept.door().expect(hash);
        }
    }

    /// Keeps `cached`, at the cost of others if there is no room. Nothing is kept
    /// of what does not [fit](Self::fits).
    pub(crate) fn insert(&self, key: CacheKey, cached: Cached) {
        each!(self, kept => kept.insert(key, cached));
    }

    /// Whether something of this weight can be kept at all.
    pub(crate) fn fits(&self, weight: u64) -> bool {
        weight <= each!(self, kept => kept.weight_max(self.capacity_bytes()))
    }

    pub(crate) fn remove(&self, key: Lookup<'_>) {
        each!(self, kept => kept.remove(key));
    }

    /// Forgets every key of which `keeps` is not true. Linear in their number.
    pub(crate) fn retain(&self, keeps: impl Fn(&CacheKey) -> bool) {
        each!(self, kept => kept.retain(keeps));
    }

    pub(crate) fn clear(&self) {
        each!(self, kept => kept.clear());
    }

    /// Sets the capacity, and gives up what no longer has room.
    pub(crate) fn resize(&self, capacity_bytes: u64) {
        self.capacity.store(capacity_bytes, Ordering::Relaxed);
        each!(self, kept => kept.resize(capacity_bytes));
    }

    pub(crate) fn capacity_bytes(&self) -> u64 {
        self.capacity.load(Ordering::Relaxed)
    }

    /// The bytes that are kept now.
    pub(crate) fn bytes(&self) -> u64 {
        each!(self, kept => kept.bytes())
    }

    pub(crate) fn entries(&self) -> u64 {
        u64::try_from(each!(self, kept => kept.entries())).unwrap_or(u64::MAX)
    }

    /// How many entries were given up for want of room.
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
