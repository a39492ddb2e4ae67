//! What the layer tells of itself.

use std::sync::Arc;

use crate::{CompressStats, counters::Counters};

/// The layer's own controls: `store.find::<CompressControl>()`. Clones are the same.
#[derive(Clone, Debug)]
pub struct CompressControl {
    counters: Arc<Counters>,
}

impl CompressControl {
    pub(crate) const fn new(counters: Arc<Counters>) -> Self {
        Self { counters }
    }

    /// What was done since the layer was opened.
    #[must_use]
    pub fn stats(&self) -> CompressStats {
        self.counters.stats()
    }
}
