//! Pages: what one step of a scan returns.

use bytes::Bytes;

use crate::{Entry, KeyRange};

/// One entry of a scan, with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item {
    /// The key, within the space of the scanned range.
    pub key: Bytes,
    /// What the key maps to.
    pub entry: Entry,
}

impl Item {
    /// An item made of its parts, for engines and layers.
    #[must_use]
    pub const fn new(key: Bytes, entry: Entry) -> Self {
        Self { key, entry }
    }

    /// The bytes of the key and the value, as page limits count them.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.key.len() + self.entry.value().len()
    }
}

/// One page of a scan. It holds at least one entry however small its byte
/// limit, unless all entries it looked at had expired; then it may be empty and
/// still have a `next`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The entries, in the direction of the scan.
    pub items: Vec<Item>,
    /// The part of the range that is still to be scanned, with the same
    /// options; `None` at the end.
    pub next: Option<KeyRange>,
}

impl Page {
    /// A page made of its parts, for engines and layers.
    #[must_use]
    pub const fn new(items: Vec<Item>, next: Option<KeyRange>) -> Self {
        Self { items, next }
    }
}
