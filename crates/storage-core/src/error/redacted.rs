//! Keys as errors show them.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::{Key, Space};

/// Enough of a key to recognise it in a log, without its content: its space,
/// its length, and a short fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedactedKey {
    space: Space,
    length_bytes: usize,
    fingerprint: u64,
}

impl From<Key<'_>> for RedactedKey {
    fn from(key: Key<'_>) -> Self {
        let mut hasher = DefaultHasher::new();
        key.bytes().hash(&mut hasher);
        Self {
            space: key.space(),
            length_bytes: key.bytes().len(),
            fingerprint: hasher.finish() & 0xFFFF_FFFF,
        }
    }
}

impl fmt::Display for RedactedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = match self.space {
            Space::User => "key",
            Space::System => "system key",
        };
        write!(
            f,
            "{space} #{:08x} ({} bytes)",
            self.fingerprint, self.length_bytes
        )
    }
}
