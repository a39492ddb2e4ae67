//! Guards: conditions on the state before a batch.

use std::fmt;

use crate::{Entry, OwnedKey, Stamp};

/// A condition that must hold, just before a batch applies, for it to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The key has no entry, or an expired one.
    Absent(OwnedKey),
    /// The key has an entry that has not expired.
    Present(OwnedKey),
    /// The key has an entry whose stored form has this stamp.
    Unchanged(OwnedKey, Stamp),
}

impl Guard {
    /// The key whose state the guard looks at.
    #[must_use]
    pub const fn key(&self) -> &OwnedKey {
        match self {
            Self::Absent(key) | Self::Present(key) | Self::Unchanged(key, _) => key,
        }
    }

    /// Whether the guard holds, given the key's live entry.
    #[must_use]
    pub fn holds(&self, live: Option<&Entry>) -> bool {
        match (self, live) {
            (Self::Absent(_), entry) => entry.is_none(),
            (Self::Present(_), entry) => entry.is_some(),
            (Self::Unchanged(_, stamp), Some(entry)) => !stamp.is_none() && entry.has_stamp(stamp),
            (Self::Unchanged(..), None) => false,
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent(_) => "absent",
            Self::Present(_) => "present",
            Self::Unchanged(..) => "unchanged",
        })
    }
}
