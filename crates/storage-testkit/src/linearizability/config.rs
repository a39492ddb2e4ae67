//! How many histories, of how many clients, from which seed.

use crate::{environment, model::seed_from_environment};

/// Sets [`LinearizabilityConfig::histories`].
pub(super) const HISTORIES_VARIABLE: &str = "STORAGE_LINEARIZABILITY_HISTORIES";

/// How many histories to record, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinearizabilityConfig {
    /// The number of histories. Default: [`HISTORIES`](Self::HISTORIES). The
    /// interleaving is new each time, so more histories find more; 1,000 is what
    /// an engine should have been through once.
    pub histories: u64,
    /// The clients of each history. Default: 4. More of them overlap more, and
    /// take longer to judge.
    pub clients: u32,
    /// The steps of each client. Default: 20.
    pub operations: usize,
    /// What the steps are drawn from: the first history from this number, the
    /// next from the number after it. Default: 1.
    pub seed: u64,
}

impl LinearizabilityConfig {
    /// How many histories a store goes through by default.
    pub const HISTORIES: u64 = 50;

    /// The default, except for what the environment variables
    /// `STORAGE_TEST_SEED` (a number, or `random`) and
    /// `STORAGE_LINEARIZABILITY_HISTORIES` say.
    ///
    /// # Panics
    /// If one of them is not a number. The message names it and its text.
    #[must_use]
    pub fn from_environment() -> Self {
        let default = Self::default();
        let histories = environment::number(HISTORIES_VARIABLE);
        Self {
            seed: seed_from_environment().unwrap_or(default.seed),
            histories: histories.unwrap_or(default.histories),
            ..default
        }
    }
}

impl Default for LinearizabilityConfig {
    fn default() -> Self {
        Self {
            histories: Self::HISTORIES,
            clients: 4,
            operations: 20,
            seed: 1,
        }
    }
}
