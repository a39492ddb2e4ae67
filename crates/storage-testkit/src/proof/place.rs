//! Where a round writes: places, and the keys that stand for them.

use std::fmt;

use serde::{Deserialize, Serialize};
use storage_core::{KeyRange, OwnedKey, Sequence, Space, SystemKeys};

use super::OperationId;

/// A key of a round, by its part in the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    /// A user key that one task alone writes.
    Own {
        /// The task.
        task: u16,
        /// Which of its keys.
        index: u16,
    },
    /// A system key that one task alone writes, as layers do.
    Hidden {
        /// The task.
        task: u16,
        /// Which of its keys.
        index: u16,
    },
    /// A user key that all tasks contend for.
    Shared {
        /// Which of them.
        index: u16,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own { task, index } => write!(f, "key {index} of task {task}"),
            Self::Hidden { task, index } => write!(f, "system key {index} of task {task}"),
            Self::Shared { index } => write!(f, "shared key {index}"),
        }
    }
}

/// The keys of one round. Rounds that use the same store have different keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyspace {
    round: u32,
}

impl Keyspace {
    /// The keys of `round`.
    #[must_use]
    pub const fn of_round(round: u32) -> Self {
        Self { round }
    }

    /// The round whose keys these are.
    #[must_use]
    pub const fn round(self) -> u32 {
        self.round
    }

    /// The key of a place.
    #[must_use]
    pub fn key(self, place: Place) -> OwnedKey {
        match place {
            Place::Own { task, index } => self.own(task, index).into(),
            Place::Hidden { task, index } => hidden().key(self.own(task, index)),
            Place::Shared { index } => format!("{}shared/{index:05}", self.prefix()).into(),
        }
    }

    /// The keys of a task's own places from one index to before another.
    #[must_use]
    pub fn own_range(self, task: u16, from: u16, to: u16) -> KeyRange {
        KeyRange::between(self.own(task, from)..self.own(task, to))
    }

    /// What the keys of the round's log begin with.
    #[must_use]
    pub fn log_prefix(self) -> String {
        format!("{}log/", self.prefix())
    }

    /// What the key of an operation's log entry ends with.
    #[must_use]
    pub fn log_suffix(operation: OperationId) -> String {
        format!("/{operation}")
    }

    /// The sequence and the operation that a key of the log names; `None` for
    /// any other key.
    #[must_use]
    pub fn log_entry(self, key: &[u8]) -> Option<(Sequence, OperationId)> {
        let rest = key.strip_prefix(self.log_prefix().as_bytes())?;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let operation = str::from_utf8(rest.strip_prefix(b"/")?)
            .ok()?
            .parse()
            .ok()?;
        Some((Sequence::from_key_bytes(*sequence), operation))
    }

    /// Every key of the round, one range for each space.
    #[must_use]
    pub fn ranges(self) -> [KeyRange; 2] {
        let hidden = hidden().key(self.prefix()).into_bytes();
        [
            KeyRange::prefix(self.prefix()),
            KeyRange::prefix(hidden).in_space(Space::System),
        ]
    }

    fn prefix(self) -> String {
        format!("proof/{:08}/", self.round)
    }

    fn own(self, task: u16, index: u16) -> String {
        format!("{}own/{task:05}/{index:05}", self.prefix())
    }
}

fn hidden() -> SystemKeys {
    SystemKeys::of("proof")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: Keyspace = Keyspace::of_round(7);

    #[test]
    fn each_round_finds_its_own_keys_only() {
        let places = [
            Place::Own { task: 1, index: 2 },
            Place::Hidden { task: 1, index: 2 },
            Place::Shared { index: 2 },
        ];
        for place in places {
            let key = KEYS.key(place);
            let holds = |keys: Keyspace| {
                keys.ranges()
                    .iter()
                    .filter(|range| range.contains(key.as_key()))
                    .count()
            };
            assert_eq!(holds(KEYS), 1, "{place}");
            assert_eq!(holds(Keyspace::of_round(8)), 0, "{place}");
        }
    }

    #[test]
    fn a_key_of_the_log_names_its_sequence_and_operation() {
        let operation = OperationId { task: 3, step: 17 };
        let mut key = KEYS.log_prefix().into_bytes();
        key.extend(Sequence::new(5).to_key_bytes());
        key.extend(Keyspace::log_suffix(operation).into_bytes());
        assert_eq!(KEYS.log_entry(&key), Some((Sequence::new(5), operation)));
        key.push(b'x');
        assert_eq!(KEYS.log_entry(&key), None);
    }

    #[test]
    fn a_range_holds_the_indices_before_its_end() {
        let range = KEYS.own_range(3, 2, 4);
        let held: Vec<u16> = (0..6)
            .filter(|index| {
                let place = Place::Own {
                    task: 3,
                    index: *index,
                };
                range.contains(KEYS.key(place).as_key())
            })
            .collect();
        assert_eq!(held, [2, 3]);
    }
}
