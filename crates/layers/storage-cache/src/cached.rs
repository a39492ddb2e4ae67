//! What the cache knows of a key.

use storage_core::{Entry, Timestamp};

use crate::key::CacheKey;

/// What a key takes besides its own bytes and those of its entry: its place in
/// the table and in the order of eviction, and what the allocator adds to each
/// piece of memory.
pub(crate) const OVERHEAD_BYTES: u64 = 192;

/// An entry, or the knowledge that there is none.
#[derive(Debug)]
pub(crate) struct Cached {
    /// Empty where there is none.
    entry: Entry,
    is_absent: bool,
    /// When the read began that found this. The Unix epoch where nobody asks.
    as_of: Timestamp,
}

impl Clone for Cached {
    #[inline]
    fn clone(&self) -> Self {
        let (is_absent, as_of) = (self.is_absent, self.as_of);
        Self {
            entry: self.entry.clone(),
            is_absent,
            as_of,
        }
    }
}

impl Cached {
    /// What a read found that began at `as_of`, in memory of its own: an engine
    /// may lend a value that keeps a whole block of a file in memory.
    pub(crate) fn found(entry: Option<&Entry>, as_of: Timestamp) -> Self {
        Self {
            entry: entry.map_or_else(|| Entry::without_value(None), Entry::detached),
            is_absent: entry.is_none(),
            as_of,
        }
    }

    /// The bytes that count against the capacity.
    pub(crate) fn weight(&self, key: &CacheKey) -> u64 {
        let kept = self.entry.kept_bytes();
        let bytes = key.as_key().bytes().len().saturating_add(kept);
        u64::try_from(bytes)
            .unwrap_or(u64::MAX)
            .saturating_add(OVERHEAD_BYTES)
    }

    /// When the entry stops existing, if ever.
    #[inline]
    pub(crate) fn expires(&self) -> Option<Timestamp> {
        self.entry.expires()
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
        if self.is_absent {
            return None;
        }
        Some(self.entry)
    }
}
