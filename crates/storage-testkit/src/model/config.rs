//! How many histories, how long, from which seed.

use storage_core::{Capabilities, Durability, OsRandom, Random};

use crate::environment;

/// Sets [`ModelConfig::seed`]; `random` draws one.
pub(crate) const SEED_VARIABLE: &str = "STORAGE_TEST_SEED";

/// Sets [`ModelConfig::histories`].
pub(super) const HISTORIES_VARIABLE: &str = "STORAGE_MODEL_HISTORIES";

/// How many histories to play, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelConfig {
    /// The number of histories. Default: [`HISTORIES`](Self::HISTORIES), or
    /// [`HISTORIES_SYNCED`](Self::HISTORIES_SYNCED) over a store whose commits
    /// may wait for a disk, which takes seconds; 10,000 is what an engine should
    /// have been through once.
    pub histories: Option<u64>,
    /// The number of steps in each. Default: 60. Longer histories find what
    /// needs more state, and say it in more steps.
    pub operations: usize,
    /// What the histories are drawn from: the first from this number, the next
    /// from the number after it. Default: 1.
    pub seed: u64,
}

impl ModelConfig {
    /// How many histories a store in memory goes through by default.
    pub const HISTORIES: u64 = 200;

    /// How many histories a store that syncs goes through by default.
    pub const HISTORIES_SYNCED: u64 = 30;

    /// How many histories a store with these capabilities goes through.
    pub(super) fn histories_over(&self, capabilities: &Capabilities) -> u64 {
        self.histories.unwrap_or(match capabilities.durability_max {
            Durability::Synced => Self::HISTORIES_SYNCED,
            Durability::Buffered | Durability::Volatile => Self::HISTORIES,
        })
    }

    /// The default, except for what the environment variables
    /// `STORAGE_TEST_SEED` (a number, or `random`) and
    /// `STORAGE_MODEL_HISTORIES` say.
    ///
    /// # Panics
    /// If one of them is not a number. The message names it and its text.
    #[must_use]
    pub fn from_environment() -> Self {
        let default = Self::default();
        Self {
            seed: seed_from_environment().unwrap_or(default.seed),
            histories: environment::number(HISTORIES_VARIABLE),
            ..default
        }
    }
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            histories: None,
            operations: 60,
            seed: 1,
        }
    }
}

/// The seed that the environment asks for.
pub(crate) fn seed_from_environment() -> Option<u64> {
    environment::number_or_random(SEED_VARIABLE, random_seed)
}

fn random_seed() -> Option<u64> {
    let mut bytes = [0; 8];
    OsRandom.fill(&mut bytes).ok()?;
    Some(u64::from_le_bytes(bytes))
}
