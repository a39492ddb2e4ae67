//! The keys that are written.

use std::fmt;

use storage_core::OwnedKey;

use super::history::Id;

/// A key, by who writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    /// One attempt, and no other.
    Attempt(Id),
    /// One task, which begins another age, and with it another key, when it does
    /// not know any more what is there.
    Task { task: u16, age: u32 },
    /// All tasks, by compare-and-swap.
    All(u16),
}

impl Place {
    pub(super) fn key(self) -> OwnedKey {
        OwnedKey::from(self.to_string())
    }

    /// The place of a key, if it is one.
    pub(super) fn of(key: &[u8]) -> Option<Self> {
        let (kind, rest) = str::from_utf8(key).ok()?.split_once('/')?;
        let numbers = || rest.split_once('/');
        match kind {
            "attempt" => {
                let (task, step) = numbers()?;
                let (task, step) = (task.parse().ok()?, step.parse().ok()?);
                Some(Self::Attempt(Id { task, step }))
            }
            "task" => {
                let (task, age) = numbers()?;
                let (task, age) = (task.parse().ok()?, age.parse().ok()?);
                Some(Self::Task { task, age })
            }
            "all" => Some(Self::All(rest.parse().ok()?)),
            _ => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempt(Id { task, step }) => write!(f, "attempt/{task}/{step}"),
            Self::Task { task, age } => write!(f, "task/{task}/{age}"),
            Self::All(number) => write!(f, "all/{number}"),
        }
    }
}
