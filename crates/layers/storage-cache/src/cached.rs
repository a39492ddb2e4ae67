//! What the cache knows of a key.

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
        self.entry.as_ref()?.expires()
    }

    /// Whether there is no entry.
    #[inline]
    pub(crate) const fn is_absent(&self) -> bool {
        self.entry.is_none()
    }

    /// When the read began that found this.
    #[inline]
    pub(crate) const fn as_of(&self) -> Timestamp {
        self.as_of
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
