//! One write of the workload, as the notes tell it and the judge weighs it.

use std::{fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Serialize};
use storage_core::Durability;

use super::Place;

/// Names an operation within its round: a task, and how many it began before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationId {
    /// The task that does it.
    pub task: u16,
    /// Its place in the task's program.
    pub step: u32,
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.task, self.step)
    }
}

impl FromStr for OperationId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (task, step) = text.split_once('.').unwrap_or((text, ""));
        Ok(Self {
            task: task.parse()?,
            step: step.parse()?,
        })
    }
}

/// One commit: what it asks for, what it changes, and how durable it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Its name.
    pub id: OperationId,
    /// The guards of the batch.
    pub conditions: Vec<Condition>,
    /// The mutations of the batch, in order, without the log entry.
    pub changes: Vec<Change>,
    /// Whether the batch also writes an entry of the log, under its sequence.
    pub is_logged: bool,
    /// The durability it asks for.
    #[serde(with = "DurabilityName")]
    pub durability: Durability,
}

impl Operation {
    /// What the operation leaves at `place`, if it changes it: the last of its
    /// changes there.
    #[must_use]
    pub fn effect_on(&self, place: Place) -> Option<Effect> {
        let numbered = (0_u16..).zip(&self.changes);
        let (change, last) = numbered.filter(|(_, change)| change.is_of(place)).last()?;
        Some(match last {
            Change::Put { bytes: 0, .. } => Effect::Blank,
            Change::Put { .. } => Effect::Value { change },
            Change::Delete { .. } | Change::DeleteOwn { .. } => Effect::Nothing,
        })
    }

    /// Whether the change of this number puts a value at `place`.
    #[must_use]
    pub fn puts_at(&self, place: Place, change: u16) -> bool {
        let change = self.changes.get(usize::from(change));
        matches!(change, Some(Change::Put { place: at, .. }) if *at == place)
    }

    /// Whose value at `place` the guards demand; `None` for no entry, or if
    /// they demand nothing.
    #[must_use]
    pub fn demanded_at(&self, place: Place) -> Option<OperationId> {
        self.conditions
            .iter()
            .find_map(|condition| match condition {
                Condition::Unchanged { place: at, seen } if *at == place => *seen,
                _ => None,
            })
    }

    /// The operations whose values were read for the guards.
    pub fn seen(&self) -> impl Iterator<Item = OperationId> + '_ {
        self.conditions
            .iter()
            .filter_map(|condition| match condition {
                Condition::Unchanged { seen, .. } => *seen,
                Condition::Absent { .. } | Condition::Present { .. } => None,
            })
    }

    /// The places that the operation names.
    pub fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.changes.iter().filter_map(|change| match change {
            Change::Put { place, .. } | Change::Delete { place } => Some(*place),
            Change::DeleteOwn { .. } => None,
        })
    }
}

/// What an operation leaves at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// A value signed by the operation and the number of the change.
    Value {
        /// Which of the operation's changes wrote it.
        change: u16,
    },
    /// A value of no bytes, which nobody can sign.
    Blank,
    /// No entry.
    Nothing,
}

/// One mutation of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// A value of so many bytes is put, signed unless it has none.
    Put {
        /// Where.
        place: Place,
        /// The length of the value.
        bytes: u32,
    },
    /// The entry is removed.
    Delete {
        /// Where.
        place: Place,
    },
    /// A range of the task's own user keys is removed.
    DeleteOwn {
        /// Whose keys.
        task: u16,
        /// The first index.
        from: u16,
        /// The index after the last.
        to: u16,
    },
}

impl Change {
    fn is_of(&self, at: Place) -> bool {
        match *self {
            Self::Put { place, .. } | Self::Delete { place } => place == at,
            Self::DeleteOwn { task, from, to } => matches!(
                at,
                Place::Own { task: owner, index } if owner == task && (from..to).contains(&index)
            ),
        }
    }
}

/// One guard of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// There is no entry.
    Absent {
        /// Where.
        place: Place,
    },
    /// There is one.
    Present {
        /// Where.
        place: Place,
    },
    /// The entry is still the one that was read.
    Unchanged {
        /// Where.
        place: Place,
        /// Whose value was read; `None` for one of no bytes.
        seen: Option<OperationId>,
    },
}

impl Condition {
    /// The place whose state it looks at.
    #[must_use]
    pub const fn place(&self) -> Place {
        match self {
            Self::Absent { place } | Self::Present { place } | Self::Unchanged { place, .. } => {
                *place
            }
        }
    }
}

/// How notes spell a durability.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Durability", rename_all = "snake_case")]
pub(super) enum DurabilityName {
    Volatile,
    Buffered,
    Synced,
}
