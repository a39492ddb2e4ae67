//! What the layer tells of itself.

use std::sync::Arc;

use crate::{CompressStats, counters::Counters, dictionary::Dictionaries, form::as_u64};

/// The layer's own controls: `store.find::<CompressControl>()`. Clones are the same.
#[derive(Clone, Debug)]
pub struct CompressControl {
    counters: Arc<Counters>,
    known: Arc<Dictionaries>,
}

impl CompressControl {
    pub(crate) const fn new(counters: Arc<Counters>, known: Arc<Dictionaries>) -> Self {
        Self { counters, known }
    }

    /// What was done since the layer was opened.
    #[must_use]
    pub fn stats(&self) -> CompressStats {
        let mut stats = self.counters.stats();
        stats.dictionaries.known = as_u64(self.known.count());
        stats
    }
}
