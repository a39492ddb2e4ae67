//! What the layer tells of itself, and does when it is told to.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use storage_core::{Operation, Result, Store};

use crate::{CollectReport, DedupStats, collector::Collector, shared::Shared};

/// The layer's own controls: `store.find::<DedupControl>()`. Clones are the same.
#[derive(Clone)]
pub struct DedupControl {
    shared: Arc<Shared>,
    collector: Arc<dyn Collect>,
}

impl DedupControl {
    pub(crate) fn new<S: Store>(shared: Arc<Shared>, collector: Arc<Collector<S>>) -> Self {
        Self { shared, collector }
    }

    /// What was done since the layer was opened.
    #[must_use]
    pub fn stats(&self) -> DedupStats {
        self.shared.counters.stats()
    }

    /// Looks at every chunk, as fast as the store allows: condemns those that nobody refers
    /// to, removes those that were condemned longer ago than the
    /// [grace](crate::CollectConfig::grace), and hints of references that are no more.
    /// Others may read and write meanwhile, and collect too. A row of a chunk that the store
    /// below cannot read keeps its chunk, and is an issue of the store's health.
    ///
    /// # Errors
    /// As for [`Read`](storage_core::Read) and [`Store::commit_with`]; `Closed` once the
    /// store is gone. What was done until then stays done.
    ///
    /// # Cancel safety
    /// A dropped future leaves a part of the work for the next pass.
    ///
    /// # Complexity
    /// Linear in the number of chunks and references: for each reference it reads the row
    /// of its key.
    pub async fn collect_now(&self) -> Result<CollectReport> {
        let pass = self.collector.collect();
        pass.await
            .map_err(|error| error.with_operation(Operation::Maintain))
    }
}

impl fmt::Debug for DedupControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedupControl")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// A collector, whatever store it works on.
trait Collect: Send + Sync {
    fn collect(&self) -> Pin<Box<dyn Future<Output = Result<CollectReport>> + Send + '_>>;
}

impl<S: Store> Collect for Collector<S> {
    fn collect(&self) -> Pin<Box<dyn Future<Output = Result<CollectReport>> + Send + '_>> {
        Box::pin(self.pass())
    }
}
