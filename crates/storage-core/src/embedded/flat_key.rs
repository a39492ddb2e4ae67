//! Keys of both spaces in engines that keep one map of flat bytes: one byte for
//! the space, then the key.
//!
//! The prefix keeps the spaces apart, in the order of [`Space`], and keeps empty
//! keys away from engines that take none.

use std::ops::Bound;

use bytes::{Buf, Bytes};

use crate::{Capabilities, Key, KeyRange, Space};

const SYSTEM: u8 = 0;
const USER: u8 = 1;

/// How many bytes the flat form adds to a key.
pub const OVERHEAD_BYTES: usize = 1;

/// Flat keys up to this length are built on the stack.
const ON_STACK_BYTES: usize = OVERHEAD_BYTES + Capabilities::PORTABLE_KEY_BYTES;

/// The byte that the flat keys of `space` begin with.
#[must_use]
pub const fn prefix(space: Space) -> u8 {
    match space {
        Space::System => SYSTEM,
        Space::User => USER,
    }
}

/// Calls `work` with the flat form of `key`, which for most keys takes no
/// allocation.
pub fn with_flat<T>(key: Key<'_>, work: impl FnOnce(&[u8]) -> T) -> T {
    let mut buffer = [0_u8; ON_STACK_BYTES];
    match buffer.get_mut(..=key.bytes().len()) {
        Some(flat) => {
            if let Some((first, rest)) = flat.split_first_mut() {
                *first = prefix(key.space());
                rest.copy_from_slice(key.bytes());
            }
            work(flat)
        }
        None => work(&flat(key)),
    }
}

/// The flat form of a key, on its own.
#[must_use]
pub fn flat(key: Key<'_>) -> Vec<u8> {
    in_space(key.space(), key.bytes())
}

/// The key within its space of which `flat` is the flat form.
#[must_use]
#[inline]
pub fn unflat(flat: impl Into<Bytes>) -> Bytes {
    let mut key = flat.into();
    key.advance(OVERHEAD_BYTES.min(key.len()));
    key
}

/// The bounds of `range` among flat keys. Where nothing comes after the range's
/// space, there is no end: to look for one costs some engines time.
#[must_use]
pub fn bounds(range: &KeyRange) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let space = range.space();
    let start = match range.start() {
        Bound::Included(key) => Bound::Included(in_space(space, key)),
        Bound::Excluded(key) => Bound::Excluded(in_space(space, key)),
        Bound::Unbounded => Bound::Included(vec![prefix(space)]),
    };
    let end = match range.end() {
        Bound::Included(key) => Bound::Included(in_space(space, key)),
        Bound::Excluded(key) => Bound::Excluded(in_space(space, key)),
        Bound::Unbounded => match space {
            Space::System => Bound::Excluded(vec![USER]),
            Space::User => Bound::Unbounded,
        },
    };
    (start, end)
}

fn in_space(space: Space, key: &[u8]) -> Vec<u8> {
    let mut flat = Vec::with_capacity(OVERHEAD_BYTES + key.len());
    flat.push(prefix(space));
    flat.extend_from_slice(key);
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flat_form_is_the_documented_one() {
        assert_eq!(flat(Key::user(b"k")), b"\x01k");
        assert_eq!(flat(Key::user(b"")), b"\x01");
        let long = vec![7; 2 * ON_STACK_BYTES];
        for key in [&b""[..], b"k", &long] {
            let key = Key::user(key);
            assert_eq!(with_flat(key, <[u8]>::to_vec), flat(key));
            assert_eq!(unflat(flat(key)), key.bytes());
        }
    }

    #[test]
    fn a_range_of_everything_holds_its_space_alone() {
        let (start, end) = bounds(&KeyRange::all());
        assert_eq!((start, end), (Bound::Included(vec![1]), Bound::Unbounded));
    }
}
