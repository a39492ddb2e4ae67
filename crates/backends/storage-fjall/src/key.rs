//! Keys as fjall stores them: one byte for the space, then the key.
//!
//! The prefix keeps the spaces apart, and keeps empty keys, on which fjall
//! panics, away from it.

use std::ops::Bound;

use bytes::{Buf, Bytes};
use fjall::Slice;
use storage_core::{Capabilities, Key, KeyRange, Space};

const SYSTEM: u8 = 0;
const USER: u8 = 1;

/// Prefixed keys up to this length are built on the stack.
const ON_STACK_BYTES: usize = 1 + Capabilities::PORTABLE_KEY_BYTES;

const fn prefix(space: Space) -> u8 {
    match space {
        Space::System => SYSTEM,
        Space::User => USER,
    }
}

/// Calls `work` with the stored form of `key`.
pub(crate) fn with_stored<T>(key: Key<'_>, work: impl FnOnce(&[u8]) -> T) -> T {
    let mut buffer = [0_u8; ON_STACK_BYTES];
    match buffer.get_mut(..=key.bytes().len()) {
        Some(stored) => {
            if let Some((first, rest)) = stored.split_first_mut() {
                *first = prefix(key.space());
                rest.copy_from_slice(key.bytes());
            }
            work(stored)
        }
        None => work(&stored(key.space(), key.bytes())),
    }
}

/// The stored form of a key, on its own.
pub(crate) fn stored(space: Space, bytes: &[u8]) -> Slice {
    let mut stored = Vec::with_capacity(1 + bytes.len());
    stored.push(prefix(space));
    stored.extend_from_slice(bytes);
    Slice::from(stored)
}

/// The key within its space of which `stored` is the stored form.
pub(crate) fn unstored(stored: Slice) -> Bytes {
    let mut key = Bytes::from(stored);
    key.advance(1.min(key.len()));
    key
}

/// The bounds of `range` among stored keys.
pub(crate) fn stored_bounds(range: &KeyRange) -> (Bound<Slice>, Bound<Slice>) {
    let space = range.space();
    let start = match range.start() {
        Bound::Included(key) => Bound::Included(stored(space, key)),
        Bound::Excluded(key) => Bound::Excluded(stored(space, key)),
        Bound::Unbounded => Bound::Included(Slice::from([prefix(space)])),
    };
    let end = match range.end() {
        Bound::Included(key) => Bound::Included(stored(space, key)),
        Bound::Excluded(key) => Bound::Excluded(stored(space, key)),
        Bound::Unbounded => match space {
            Space::System => Bound::Excluded(Slice::from([USER])),
            // Nothing comes after it. To look for an end costs fjall time.
            Space::User => Bound::Unbounded,
        },
    };
    (start, end)
}
