//! What the cache knows of a key.

use std::time::Duration;

use storage_core::{Entry, Timestamp};

use crate::key::CacheKey;

/// What a key takes besides its own bytes and those of its entry: its place in
/// the table and in the order of eviction, and what the allocator adds to each
/// piece of memory.
pub(crate) const OVERHEAD_BYTES: u64 = 192;

/// An entry, or the knowledge that there is none.
#[derive(Clone, Debug)]
pub(crate) struct Cached {
    entry: Option<Entry>,
    /// When the read began that found this. The Unix epoch where nobody asks.
    as_of: Timestamp,
}

impl Cached {
    /// What a read found that began at `as_of`, in memory of its own: an engine
    /// may lend a value that keeps a whole block of a file in memory.
    pub(crate) fn found(entry: Option<&Entry>, as_of: Timestamp) -> Self {
        Self {
            entry: entry.map(Entry::detached),
            as_of,
        }
    }

    /// The bytes that count against the capacity.
    pub(crate) fn weight(&self, key: &CacheKey) -> u64 {
        let kept = self.entry.as_ref().map_or(0, Entry::kept_bytes);
        let bytes = key.as_key().bytes().len().saturating_add(kept);
        u64::try_from(bytes)
            .unwrap_or(u64::MAX)
            .saturating_add(OVERHEAD_BYTES)
    }

    /// When the entry stops existing, if ever.
    #[inline]
    pub(crate) fn expires(&self) -> Option<Timestamp> {
        self.entry.as_ref().and_then(Entry::expires)
    }

    /// Whether this was read no longer than `age_max` before `now`. A clock that
    /// was set back says nothing about the age.
    pub(crate) fn is_as_young_as(&self, age_max: Duration, now: Timestamp) -> bool {
        self.as_of <= now && now < self.as_of.after(age_max)
    }

    #[inline]
    pub(crate) const fn is_absent(&self) -> bool {
        self.entry.is_none()
    }

    #[expect(
        clippy::inline_always,
        reason = "else the entry is copied in memory on its way"
    )]
    #[inline(always)]
    pub(crate) fn into_entry(self) -> Option<Entry> {
        self.entry
    }
}
