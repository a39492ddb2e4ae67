//! What the cache knows of a key.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use storage_core::{Entry, Stamp, Timestamp};

use crate::key::CacheKey;

/// What a key takes besides its own bytes and those of its entry: its place in
/// the table and in the order of eviction, and what the allocator adds to each
/// piece of memory.
pub(crate) const OVERHEAD_BYTES: u64 = 192;

/// An entry, or the knowledge that there is none. Small, since most of the time of a
/// hit goes into reaching it: what few entries have lies elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Cached {
    rest: Rest,
    /// When the read began that found this. The Unix epoch where nobody asks.
    as_of: Timestamp,
    value: Bytes,
}

/// What there is besides the value.
#[derive(Clone, Debug)]
enum Rest {
    /// There is no entry.
    Absent,
    /// The entry never expires, and its stamp is made of its content.
    Content,
    /// The entry never expires, and its stamp is this number.
    Version(u64),
    /// The entry as it is, in which the value is once more.
    Entry(Arc<Entry>),
}

impl Cached {
    /// What a read found that began at `as_of`, in memory of its own: an engine
    /// may lend a value that keeps a whole block of a file in memory.
    pub(crate) fn found(entry: Option<&Entry>, as_of: Timestamp) -> Self {
        let Some(entry) = entry.map(Entry::detached) else {
            return Self {
                value: Bytes::new(),
                as_of,
                rest: Rest::Absent,
            };
        };
        let rest = match (entry.expires(), entry.token().map(Stamp::version)) {
            (None, None) => Rest::Content,
            (None, Some(Some(version))) => Rest::Version(version),
            _ => Rest::Entry(Arc::new(entry.clone())),
        };
        Self {
            value: entry.into_value(),
            as_of,
            rest,
        }
    }

    /// The bytes that count against the capacity.
    pub(crate) fn weight(&self, key: &CacheKey) -> u64 {
        let kept = match &self.rest {
            Rest::Entry(entry) => entry.kept_bytes(),
            Rest::Absent | Rest::Content | Rest::Version(_) => self.value.len(),
        };
        let bytes = key.as_key().bytes().len().saturating_add(kept);
        u64::try_from(bytes)
            .unwrap_or(u64::MAX)
            .saturating_add(OVERHEAD_BYTES)
    }

    /// When the entry stops existing, if ever.
    #[inline]
    pub(crate) fn expires(&self) -> Option<Timestamp> {
        match &self.rest {
            Rest::Entry(entry) => entry.expires(),
            Rest::Absent | Rest::Content | Rest::Version(_) => None,
        }
    }

    /// Whether this was read no longer than `age_max` before `now`. A clock that
    /// was set back says nothing about the age.
    pub(crate) fn is_as_young_as(&self, age_max: Duration, now: Timestamp) -> bool {
        self.as_of <= now && now < self.as_of.after(age_max)
    }

    #[inline]
    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self.rest, Rest::Absent)
    }

    #[expect(
        clippy::inline_always,
        reason = "else the entry is copied in memory on its way"
    )]
    #[inline(always)]
    pub(crate) fn into_entry(self) -> Option<Entry> {
        match self.rest {
            Rest::Absent => None,
            Rest::Content => Some(Entry::of_content(self.value, None)),
            Rest::Version(version) => {
                Some(Entry::new(self.value, None, Stamp::of_version(version)))
            }
            Rest::Entry(entry) => Some(Arc::unwrap_or_clone(entry)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_entry_comes_back_as_it_was() {
        let value = || Bytes::from_static(b"value");
        let expires = Some(Timestamp::from_unix_milliseconds(7));
        let now = Timestamp::from_unix_milliseconds(3);
        let key = CacheKey::of("key".into());
        for (entry, kept) in [
            (Entry::of_content(value(), None), 5),
            (Entry::of_content(value(), expires), 5),
            (Entry::new(value(), None, Stamp::of_version(9)), 5),
            (Entry::new(value(), expires, Stamp::of_version(9)), 5),
            (Entry::new(value(), None, Stamp::new("four".into())), 9),
            (Entry::new(value(), None, Stamp::none()), 5),
        ] {
            let cached = Cached::found(Some(&entry), now);
            assert_eq!(cached.expires(), entry.expires());
            assert_eq!(cached.weight(&key), 3 + kept + OVERHEAD_BYTES);
            let back = cached.into_entry().unwrap();
            assert_eq!(back, entry);
            assert_eq!(back.token(), entry.token());
        }
        let absent = Cached::found(None, now);
        assert_eq!(absent.weight(&key), 3 + OVERHEAD_BYTES);
        assert!(absent.into_entry().is_none());
    }

    #[test]
    fn what_is_kept_for_a_key_is_small() {
        assert_eq!(size_of::<Cached>(), 56);
    }
}
