//! What the layer tells of itself, and what it can be told.

use std::sync::{Arc, atomic::Ordering};

use storage_core::Result;

use crate::{
    core::Core,
    status::{FallbackState, FallbackStats, count},
};

/// The layer's own controls: `store.find::<FallbackControl>()`. Clones are the
/// same.
#[derive(Clone, Debug)]
pub struct FallbackControl {
    pub(crate) core: Arc<Core>,
}

impl FallbackControl {
    /// Who answers, and since when the primary is gone.
    #[must_use]
    pub fn state(&self) -> FallbackState {
        self.core.status.state()
    }

    /// How many commits were accepted that the primary does not have yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.core.pending.len()
    }

    /// What the layer has counted since it was opened.
    #[must_use]
    pub fn stats(&self) -> FallbackStats {
        self.core.status.stats()
    }

    /// Looks for the primary now, rather than at the next probe's time.
    pub fn probe(&self) {
        self.core.hurry.notify_one();
    }

    /// Waits until the primary answers and has all that was accepted.
    pub async fn returned(&self) {
        let mut state = self.core.status.watch();
        let is_over =
            |state: &FallbackState| *state == FallbackState::Primary && !self.core.holds_back();
        // The sender lives as long as this does.
        let _ = state.wait_for(is_over).await;
    }

    /// Gives up what was accepted and not written back, and says how many commits
    /// that were. Reads show again what the primary has. A write-back of them may
    /// still be on its way to the primary: nothing else is committed there until it
    /// is ruled out that it arrives later.
    ///
    /// # Errors
    /// As for the standby; then nothing is given up, though after an unknown outcome
    /// it may be gone with the process.
    ///
    /// # Durability
    /// The strongest of the standby.
    pub async fn abandon(&self) -> Result<u64> {
        let core = &self.core;
        let Some(journal) = &core.journal else {
            return Ok(0);
        };
        let mut journal = journal.lock().await;
        if core.pending.is_empty() {
            return Ok(0);
        }
        journal.abandon().await?;
        core.is_fenced.store(true, Ordering::Release);
        let abandoned = core.pending.remove_through(u64::MAX);
        count(&core.status.tally.abandoned, abandoned);
        tracing::warn!(abandoned, "accepted commits were abandoned");
        core.wake.notify_one();
        Ok(u64::try_from(abandoned).unwrap_or(u64::MAX))
    }
}
