//! Keys as the map keeps them: with their beginning where it is compared.
//!
//! A search compares a dozen keys. Each whose bytes lie elsewhere is a wait for
//! memory, so the first bytes are kept in place, as one number that compares as
//! they do; the rest is looked at only where they are the same and not all.

use std::cmp::Ordering;

use bytes::Bytes;
use equivalent::{Comparable, Equivalent};

const PREFIX_BYTES: usize = size_of::<u128>();

/// A key of the map.
#[derive(Clone, Debug)]
pub(super) struct MapKey {
    prefix: u128,
    bytes: Bytes,
}

impl MapKey {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self {
            prefix: prefix(&bytes),
            bytes,
        }
    }

    pub(super) const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    fn sought(&self) -> Sought<'_> {
        Sought {
            prefix: self.prefix,
            bytes: &self.bytes,
        }
    }
}

impl Ord for MapKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sought().compare(other)
    }
}

impl PartialOrd for MapKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for MapKey {
    fn eq(&self, other: &Self) -> bool {
        self.sought().equivalent(other)
    }
}

impl Eq for MapKey {}

/// A key that is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sought<'a> {
    prefix: u128,
    bytes: &'a [u8],
}

impl<'a> Sought<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            prefix: prefix(bytes),
            bytes,
        }
    }
}

impl Equivalent<MapKey> for Sought<'_> {
    fn equivalent(&self, key: &MapKey) -> bool {
        self.compare(key).is_eq()
    }
}

impl Comparable<MapKey> for Sought<'_> {
    fn compare(&self, key: &MapKey) -> Ordering {
        let by_prefix = self.prefix.cmp(&key.prefix);
        by_prefix.then_with(|| {
            if self.bytes.len().max(key.bytes.len()) <= PREFIX_BYTES {
                // One is the other, with zeros behind it or none.
                self.bytes.len().cmp(&key.bytes.len())
            } else {
                self.bytes.cmp(&key.bytes)
            }
        })
    }
}

/// The first bytes of a key, filled up with zeros. Keys that differ in it are in
/// its order; a key and its beginning may have the same.
fn prefix(key: &[u8]) -> u128 {
    let mut bytes = [0; PREFIX_BYTES];
    for (byte, of_key) in bytes.iter_mut().zip(key) {
        *byte = *of_key;
    }
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_their_bytes() {
        let long = [7; PREFIX_BYTES];
        let mut longer = [7; PREFIX_BYTES + 1];
        longer[PREFIX_BYTES] = 8;
        let keys: [&[u8]; 13] = [
            b"",
            b"\0",
            b"\0\0",
            &[0; PREFIX_BYTES],
            &[0; PREFIX_BYTES + 1],
            &[0; PREFIX_BYTES + 2],
            b"\0\x01",
            &long[1..],
            &long,
            &[7; PREFIX_BYTES + 1],
            &longer,
            b"a",
            b"\xff",
        ];
        for (index, one) in keys.iter().enumerate() {
            for (other_index, other) in keys.iter().enumerate() {
                let key = MapKey::new(Bytes::copy_from_slice(other));
                let order = index.cmp(&other_index);
                assert_eq!(Sought::new(one).compare(&key), order, "{one:?} {other:?}");
                assert_eq!(Sought::new(one).equivalent(&key), order.is_eq());
                assert_eq!(MapKey::new(Bytes::copy_from_slice(one)).cmp(&key), order);
            }
        }
    }
}
