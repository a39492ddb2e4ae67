//! What a key maps to: a value, when it expires, and a stamp of its stored form.

use std::{fmt, time::Duration};

use bytes::Bytes;

use crate::Stamp;

/// A value as read from a store. Entries are equal if their values, expiries and
/// stamps are.
// The first and the last words tell enums around an entry their variants apart, and are copied by
// themselves. What lies between is copied in pieces of 16 bytes, which in this order begin at the
// same places in every copy. A processor that reads across two pieces which it has just
// written waits, which shows in the time of a cache's hit.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Entry {
    origin: Origin,
    value: Bytes,
    expires: Option<Timestamp>,
}

/// Where the stamp of an entry comes from.
#[derive(Clone, Debug)]
enum Origin {
    /// The engine keeps the value and its expiry and nothing else, so they are
    /// the stamp, which is made when it is asked for
    /// (`docs/decisions/0024-stamps-on-demand.md`).
    Content,
    Stamp(Stamp),
}

impl Entry {
    /// An entry made of its parts, for layers and for engines that have a token
    /// of their own for each stored form.
    #[must_use]
    pub const fn new(value: Bytes, expires: Option<Timestamp>, stamp: Stamp) -> Self {
        Self {
            value,
            expires,
            origin: Origin::Stamp(stamp),
        }
    }

    /// An entry whose stored form is this value and this expiry, for engines
    /// that have no other token of it. A layer that decodes a value keeps the
    /// stamp of the entry below, with [`new`](Self::new): guards are judged there.
    #[must_use]
    pub const fn of_content(value: Bytes, expires: Option<Timestamp>) -> Self {
        Self {
            value,
            expires,
            origin: Origin::Content,
        }
    }

    /// An entry of a keys-only scan: it has no value and no stamp.
    #[must_use]
    pub const fn without_value(expires: Option<Timestamp>) -> Self {
        Self::new(Bytes::new(), expires, Stamp::none())
    }

    /// The value. Empty where a scan asked for keys only.
    #[must_use]
    pub const fn value(&self) -> &Bytes {
        &self.value
    }

    /// The value alone.
    #[must_use]
    pub fn into_value(self) -> Bytes {
        self.value
    }

    /// The same entry in memory of its own, for whoever keeps it: a value may be a
    /// piece of something much larger, and so may what its stamp is made of.
    #[must_use]
    pub fn detached(&self) -> Self {
        let origin = match &self.origin {
            Origin::Content => Origin::Content,
            Origin::Stamp(stamp) => Origin::Stamp(stamp.detached()),
        };
        Self {
            value: Bytes::copy_from_slice(&self.value),
            expires: self.expires,
            origin,
        }
    }

    /// How many bytes of data whoever keeps the entry keeps: the value, and the
    /// engine's token where it is more than a number.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        let token = match &self.origin {
            Origin::Content => 0,
            Origin::Stamp(stamp) => stamp.kept_bytes(),
        };
        self.value.len().saturating_add(token)
    }

    /// When the entry stops existing; `None` means never. No store returns an
    /// entry at or after this instant of its clock.
    #[must_use]
    pub const fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// Identifies the stored form, for [`Guard::Unchanged`](crate::Guard).
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        match &self.origin {
            Origin::Content => Stamp::of_content(&self.value, self.expires),
            Origin::Stamp(stamp) => stamp.clone(),
        }
    }

    /// Whether this is the entry's stamp, without making it.
    #[must_use]
    pub fn has_stamp(&self, stamp: &Stamp) -> bool {
        match &self.origin {
            Origin::Content => stamp.is_of_content(&self.value, self.expires),
            Origin::Stamp(own) => own == stamp,
        }
    }

    /// Whether the entry still exists at `now`.
    #[must_use]
    pub fn is_live_at(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        let has_same_stamp = match (&self.origin, &other.origin) {
            // Made of what is compared anyway.
            (Origin::Content, Origin::Content) => true,
            (Origin::Content, Origin::Stamp(stamp)) => self.has_stamp(stamp),
            (Origin::Stamp(stamp), _) => other.has_stamp(stamp),
        };
        self.value == other.value && self.expires == other.expires && has_same_stamp
    }
}

impl Eq for Entry {}

impl AsRef<[u8]> for Entry {
    fn as_ref(&self) -> &[u8] {
        &self.value
    }
}

/// An instant in UTC milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The instant `milliseconds` after the Unix epoch.
    #[must_use]
    pub const fn from_unix_milliseconds(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_unix_milliseconds(self) -> u64 {
        self.0
    }

    /// This instant plus `duration`, rounded up to a millisecond; the far end
    /// of time where that overflows.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let milliseconds = duration.as_nanos().div_ceil(1_000_000);
        Self(
            self.0
                .saturating_add(u64::try_from(milliseconds).unwrap_or(u64::MAX)),
        )
    }
}

/// The place of a commit in a store's order of commits. Later commits have
/// greater sequences; gaps are normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

impl Sequence {
    /// The sequence before every commit.
    pub const ZERO: Self = Self(0);

    /// A sequence from its number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of this sequence.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The eight big-endian bytes a sequenced key holds: they sort as the
    /// sequences do.
    #[must_use]
    pub const fn to_key_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// The sequence whose key bytes these are.
    #[must_use]
    pub const fn from_key_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_made_anew_with_its_own_stamp_is_the_same() {
        for expires in [None, Some(Timestamp::from_unix_milliseconds(7))] {
            let entry = Entry::of_content("value".into(), expires);
            let anew = Entry::new("value".into(), expires, entry.stamp());
            assert_eq!((&entry, &anew), (&anew, &entry));
            assert!(entry.has_stamp(&anew.stamp()) && anew.has_stamp(&entry.stamp()));
            let decoded = Entry::new("decoded".into(), expires, entry.stamp());
            assert_ne!(entry, decoded);
            assert_eq!(entry.stamp(), decoded.stamp());
            let other = Entry::new("value".into(), expires, Stamp::of_version(1));
            assert_ne!(entry, other);
            assert!(!entry.has_stamp(&other.stamp()));
        }
    }

    #[test]
    fn a_detached_entry_is_the_same_in_memory_of_its_own() {
        let block = Bytes::from(vec![7; 4_096]);
        let stamps = [Stamp::of_version(1), Stamp::new("four".into())];
        let lent = stamps.map(|stamp| Entry::new(block.slice(8..16), None, stamp));
        let content = Entry::of_content(block.slice(8..16), None);
        for (entry, kept) in lent.iter().chain([&content]).zip([8, 12, 8]) {
            let detached = entry.detached();
            assert_eq!(&detached, entry);
            assert_eq!(detached.kept_bytes(), kept);
            assert_ne!(detached.value().as_ptr(), entry.value().as_ptr());
        }
    }
}
