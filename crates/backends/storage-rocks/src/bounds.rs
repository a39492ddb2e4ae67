//! Ranges as RocksDB takes them: from a first flat key up to one that is not in
//! it.

use std::ops::Bound;

use storage_core::{KeyRange, Space, embedded::flat_key};

/// Behind all flat keys.
const END: &[u8] = &[flat_key::prefix(Space::User) + 1];

/// The first flat key that may lie in `range`, and the first after it that may
/// not.
pub(crate) fn half_open(range: &KeyRange) -> (Vec<u8>, Vec<u8>) {
    let (start, end) = flat_key::bounds(range);
    let start = match start {
        Bound::Included(key) => key,
        Bound::Excluded(key) => successor(key),
        Bound::Unbounded => Vec::new(),
    };
    let end = match end {
        Bound::Included(key) => successor(key),
        Bound::Excluded(key) => key,
        Bound::Unbounded => END.to_vec(),
    };
    (start, end)
}

/// The first key after `key`.
pub(crate) fn successor(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_what_the_range_holds() {
        for (range, start, end) in [
            (KeyRange::all(), &b"\x01"[..], &b"\x02"[..]),
            (KeyRange::all().in_space(Space::System), b"\0", b"\x01"),
            (KeyRange::between("a".."b"), b"\x01a", b"\x01b"),
            (KeyRange::between("a"..="b"), b"\x01a", b"\x01b\0"),
            (KeyRange::all().after("a".into()), b"\x01a\0", b"\x02"),
            (KeyRange::prefix("\u{7f}"), b"\x01\x7f", b"\x01\x80"),
        ] {
            assert_eq!(
                half_open(&range),
                (start.to_vec(), end.to_vec()),
                "{range:?}"
            );
        }
    }
}
