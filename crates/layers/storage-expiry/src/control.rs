//! What the layer tells of itself, and how it is told to sweep.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use storage_core::{Error, ErrorKind, Result, Store};

use crate::{ExpiryStats, layer::NAME, stats::Counters, sweeper::Sweeper};

type Sweeping = Pin<Box<dyn Future<Output = Result<u64>> + Send>>;

/// The layer's own controls: `store.find::<ExpiryControl>()`. Clones are the same.
#[derive(Clone)]
pub struct ExpiryControl {
    counters: Arc<Counters>,
    /// `None` if the layer takes no note of what expires when.
    sweep: Option<Arc<dyn Fn() -> Sweeping + Send + Sync>>,
}

impl ExpiryControl {
    pub(crate) fn new<S: Store>(counters: Arc<Counters>, sweeper: Option<Arc<Sweeper<S>>>) -> Self {
        let sweep = sweeper.map(|sweeper| -> Arc<dyn Fn() -> Sweeping + Send + Sync> {
            Arc::new(move || {
                let sweeper = Arc::clone(&sweeper);
                Box::pin(async move { sweeper.sweep().await })
            })
        });
        Self { counters, sweep }
    }

    /// What the sweeper has done.
    #[must_use]
    pub fn stats(&self) -> ExpiryStats {
        self.counters.stats()
    }

    /// Removes all that has expired by now, without resting, and says how many
    /// rows of expired entries that were: an entry has one for each time at which one of its
    /// puts was to expire. An entry or a row that is damaged is skipped, counted, and an
    /// issue of the store's health; rows that the store below cannot even list end the sweep
    /// with its error.
    ///
    /// # Errors
    /// `Unsupported` with [`Sweep::Never`](crate::Sweep::Never); `Closed` when the store is
    /// gone; as for reads and commits.
    ///
    /// # Cancel safety
    /// What was removed stays removed.
    pub async fn sweep_now(&self) -> Result<u64> {
        match &self.sweep {
            Some(sweep) => sweep().await,
            None => Err(Error::new(
                ErrorKind::Unsupported,
                "the layer takes no note of what expires when; `sweep` is `never`",
            )
            .with_layer(NAME)),
        }
    }
}

impl fmt::Debug for ExpiryControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpiryControl")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
