//! What a dictionary is called.

use std::fmt;

/// The number of a dictionary in its store: they are counted from 0 in the order in which
/// they are stored. One byte, since each value has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DictionaryId(pub(crate) u8);

impl DictionaryId {
    /// How many a store ever has. They are never removed, and each open reads all of them.
    pub(crate) const COUNT_MAX: u8 = 128;

    /// The one after the greatest of those that are there; `None` if there are enough.
    pub(crate) fn after(greatest: Option<Self>) -> Option<Self> {
        let next = greatest.map_or(0, |Self(greatest)| greatest.saturating_add(1));
        (next < Self::COUNT_MAX).then_some(Self(next))
    }
}

impl fmt::Display for DictionaryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
