//! Whether a store is well, and what an integrity check found.

use std::ops::Bound;

use crate::{Error, Key, KeyRange, RedactedKey, Space};

/// Whether a store can do its work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// What is wrong; a store without issues is well.
    pub issues: Vec<HealthIssue>,
}

impl Health {
    /// Adds an issue.
    #[must_use]
    pub fn with(mut self, name: &'static str, detail: impl Into<String>) -> Self {
        self.issues.push(HealthIssue {
            name,
            detail: detail.into(),
        });
        self
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.issues.is_empty()
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthIssue {
    /// A stable name, such as `write_stall`.
    pub name: &'static str,
    /// What it is and what to do.
    pub detail: String,
}

/// What an integrity check read and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// How many entries were read.
    pub entries: u64,
    /// What is damaged; a sound store has none.
    pub damages: Vec<Damage>,
}

/// One damaged place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The file, page or key at fault.
    pub place: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Damage {
    /// What an error of a walk through the entries of `space` tells of.
    pub(crate) fn in_space(space: Space, error: &Error) -> Self {
        let detail = match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Self::new(format!("{space:?} space"), detail)
    }

    /// That a layer could not look at what a range begins with, nor at the entries that it
    /// would have read with it, because the store below answered with `error`.
    #[must_use]
    pub fn not_looked_at(range: &KeyRange, error: &Error) -> Self {
        let space = range.space();
        let place = match range.start() {
            Bound::Unbounded => format!("{space:?} space, from its first key"),
            Bound::Included(key) | Bound::Excluded(key) => {
                let key = RedactedKey::from(Key::in_space(space, key));
                format!("{space:?} space, from {key}")
            }
        };
        let detail = format!(
            "it was not looked at, because the store below cannot read it ({error}); mend that, \
             and check again"
        );
        Self::new(place, detail)
    }

    /// A damage at `place`.
    #[must_use]
    pub fn new(place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            detail: detail.into(),
        }
    }
}
