//! Ranges of keys within one space.

use std::ops::{Bound, RangeBounds};

use bytes::Bytes;

use crate::{Key, Space};

/// A contiguous run of keys in one space, in byte order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyRange {
    space: Space,
    start: Bound<Bytes>,
    end: Bound<Bytes>,
}

impl KeyRange {
    /// Every user key.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            space: Space::User,
            start: Bound::Unbounded,
            end: Bound::Unbounded,
        }
    }

    /// The user keys between two bounds, such as `"a".."b"` or `"a"..`.
    ///
    /// ```
    /// use storage_core::KeyRange;
    ///
    /// let range = KeyRange::between("a".."c");
    /// assert!(range.contains("b".into()));
    /// assert!(!range.contains("c".into()));
    /// ```
    #[must_use]
    pub fn between<K: AsRef<[u8]>>(range: impl RangeBounds<K>) -> Self {
        let owned = |bound: Bound<&K>| bound.map(|key| Bytes::copy_from_slice(key.as_ref()));
        Self {
            space: Space::User,
            start: owned(range.start_bound()),
            end: owned(range.end_bound()),
        }
    }

    /// The user keys that begin with `prefix`, itself among them.
    #[must_use]
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let prefix = prefix.into();
        let end = match prefix_end(&prefix) {
            Some(end) => Bound::Excluded(end),
            None => Bound::Unbounded,
        };
        Self {
            space: Space::User,
            start: Bound::Included(prefix),
            end,
        }
    }

    /// The keys between two bounds, given as they are.
    #[must_use]
    pub const fn from_bounds(space: Space, start: Bound<Bytes>, end: Bound<Bytes>) -> Self {
        Self { space, start, end }
    }

    /// The same bounds in another space.
    #[must_use]
    pub fn in_space(self, space: Space) -> Self {
        Self { space, ..self }
    }

    /// The space this range lies in.
    #[must_use]
    pub const fn space(&self) -> Space {
        self.space
    }

    /// Where the range starts.
    #[must_use]
    pub fn start(&self) -> Bound<&[u8]> {
        self.start.as_ref().map(AsRef::as_ref)
    }

    /// Where the range ends.
    #[must_use]
    pub fn end(&self) -> Bound<&[u8]> {
        self.end.as_ref().map(AsRef::as_ref)
    }

    /// The space and the bounds, given away.
    #[must_use]
    pub fn into_bounds(self) -> (Space, Bound<Bytes>, Bound<Bytes>) {
        (self.space, self.start, self.end)
    }

    /// Whether `key` lies in the range.
    #[must_use]
    pub fn contains(&self, key: Key<'_>) -> bool {
        key.space() == self.space
            && RangeBounds::<[u8]>::contains(&(self.start(), self.end()), key.bytes())
    }

    /// Whether no key can lie in the range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (self.start(), self.end()) {
            // Nothing lies before the empty key.
            (_, Bound::Excluded([])) => true,
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (Bound::Included(start), Bound::Excluded(end))
            | (Bound::Excluded(start), Bound::Included(end)) => start >= end,
            (Bound::Excluded(start), Bound::Excluded(end)) => {
                start >= end || end.strip_prefix(start) == Some(&[0])
            }
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        }
    }

    /// The part of the range that comes after `key`.
    #[must_use]
    pub fn after(&self, key: Bytes) -> Self {
        Self {
            start: Bound::Excluded(key),
            ..self.clone()
        }
    }

    /// The part of the range that comes before `key`.
    #[must_use]
    pub fn before(&self, key: Bytes) -> Self {
        Self {
            end: Bound::Excluded(key),
            ..self.clone()
        }
    }
}

/// The first key after every key that begins with `prefix`, if there is one:
/// a run of 0xFF has none.
#[must_use]
pub(crate) fn prefix_end(prefix: &[u8]) -> Option<Bytes> {
    let (index, last) = prefix
        .iter()
        .enumerate()
        .rev()
        .find(|(_, byte)| **byte != u8::MAX)?;
    let mut end = prefix.get(..=index)?.to_vec();
    *end.last_mut()? = last + 1;
    Some(end.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_high_bytes_has_no_end() {
        assert_eq!(prefix_end(b"\xFF\xFF"), None);
        assert_eq!(prefix_end(b""), None);
        assert_eq!(prefix_end(b"a\xFF"), Some(Bytes::from_static(b"b")));
        assert_eq!(prefix_end(b"ab"), Some(Bytes::from_static(b"ac")));
    }

    #[test]
    fn a_range_is_empty_exactly_when_no_key_fits() {
        assert!(KeyRange::between("b".."a").is_empty());
        assert!(KeyRange::between("a".."a").is_empty());
        assert!(!KeyRange::between("a"..="a").is_empty());
        assert!(KeyRange::between(.."").is_empty());
        assert!(!KeyRange::between(..="").is_empty());
        let gap = |end: &'static [u8]| {
            KeyRange::from_bounds(
                Space::User,
                Bound::Excluded(Bytes::from_static(b"a")),
                Bound::Excluded(Bytes::from_static(end)),
            )
        };
        assert!(gap(b"a\0").is_empty());
        assert!(!gap(b"a\0\0").is_empty());
    }

    #[test]
    fn a_range_holds_keys_of_its_own_space_only() {
        let range = KeyRange::all().in_space(Space::System);
        assert!(!range.contains(Key::user(b"a")));
        assert!(range.contains(Key::in_space(Space::System, b"a")));
    }
}
