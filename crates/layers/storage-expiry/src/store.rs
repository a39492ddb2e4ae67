//! The store that the layer makes.

use std::{
    any::{Any, TypeId},
    future::Future,
    sync::Arc,
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Description, Entry, Health, Key, KeyRange,
    Maintenance, MaintenanceReport, Operation, OwnedKey, Page, Read, ReadOptions, Result,
    ScanOptions, Sequence, SnapshotOptions, Stats, Store, Unit, WriteBatch, WriteOptions,
    layer::Background,
};

use crate::{
    ExpiryConfig, ExpiryControl, Sweep,
    layer::NAME,
    rewrite::{self, Rewriter},
    stats::Counters,
    sweeper::Sweeper,
};

/// What [`ExpiryLayer`](crate::ExpiryLayer) makes of a store. Clones are the same store.
#[derive(Debug)]
pub struct ExpiryStore<S> {
    inner: Arc<S>,
    shared: Arc<Shared>,
}

/// What all clones share.
#[derive(Debug)]
struct Shared {
    capabilities: Capabilities,
    rewriter: Rewriter,
    control: ExpiryControl,
    background: Option<Background>,
}

impl<S: Store> ExpiryStore<S> {
    /// # Errors
    /// `Unavailable` if the system gives no thread.
    pub(crate) fn new(config: &ExpiryConfig, inner: S) -> Result<Self> {
        let inner = Arc::new(inner);
        let counters = Arc::new(Counters::default());
        let sweeper = match config.sweep {
            Sweep::Background | Sweep::OnDemand => Some(Arc::new(Sweeper::new(
                &inner,
                Arc::clone(&counters),
                config,
            ))),
            Sweep::Never => None,
        };
        let background = match &sweeper {
            Some(sweeper) if config.sweep == Sweep::Background => {
                let (sweeper, every, pause) =
                    (Arc::clone(sweeper), config.sweep_every, config.sweep_pause);
                let sweep = move |attendance: &_| sweeper.attend(attendance, every, pause);
                Some(Background::start("storage-expiry", sweep)?)
            }
            _ => None,
        };
        let shared = Shared {
            capabilities: rewrite::capabilities(config, inner.capabilities()),
            rewriter: Rewriter::new(config),
            control: ExpiryControl::new(counters, sweeper),
            background,
        };
        Ok(Self {
            inner,
            shared: Arc::new(shared),
        })
    }
}

impl<S> Clone for ExpiryStore<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            shared: Arc::clone(&self.shared),
        }
    }
}

// A wrapper that relied on a default method would forget to forward it.
#[deny(clippy::missing_trait_methods)]
impl<S: Store> Read for ExpiryStore<S> {
    fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }

    fn get_with(
        &self,
        key: Key<'_>,
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Option<Entry>>> + Send {
        self.inner.get_with(key, options)
    }

    fn scan_with(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> impl Future<Output = Result<Page>> + Send {
        self.inner.scan_with(range, options)
    }

    fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Vec<Option<Entry>>>> + Send {
        self.inner.get_many_with(keys, options)
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for ExpiryStore<S> {
    type Snapshot = S::Snapshot;

    fn describe(&self) -> Description {
        self.inner.describe().under(NAME)
    }

    fn capabilities(&self) -> &Capabilities {
        &self.shared.capabilities
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        self.shared
            .capabilities
            .admit(&batch)
            .map_err(|error| error.with_operation(Operation::Commit))?;
        let batch = self.shared.rewriter.rewrite(batch, self.inner.clock());
        self.inner.commit_with(batch, options).await
    }

    fn snapshot_with(
        &self,
        options: &SnapshotOptions,
    ) -> impl Future<Output = Result<Self::Snapshot>> + Send {
        self.inner.snapshot_with(options)
    }

    async fn stats(&self) -> Result<Stats> {
        let stats = self.inner.stats().await?;
        let own = self.shared.control.stats();
        let lag = u64::try_from(own.lag.as_micros()).unwrap_or(u64::MAX);
        Ok(stats
            .with("expiry_swept", own.swept, Unit::Count)
            .with("expiry_stale_rows", own.stale, Unit::Count)
            .with("expiry_lag", lag, Unit::Microseconds))
    }

    async fn health(&self) -> Result<Health> {
        let health = self.inner.health().await?;
        let has_panicked = |background: &Background| background.has_panicked();
        if self.shared.background.as_ref().is_some_and(has_panicked) {
            let issue = "the thread that sweeps has panicked; open the store anew";
            return Ok(health.with("expiry_sweep", issue));
        }
        Ok(match self.shared.control.stats().failure {
            Some(failure) => health.with("expiry_sweep", failure),
            None => health,
        })
    }

    fn check(&self) -> impl Future<Output = Result<CheckReport>> + Send {
        self.inner.check()
    }

    fn maintain(
        &self,
        maintenance: Maintenance,
    ) -> impl Future<Output = Result<MaintenanceReport>> + Send {
        self.inner.maintain(maintenance)
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        if id == TypeId::of::<ExpiryControl>() {
            return Some(&self.shared.control);
        }
        self.inner.control(id)
    }

    /// The sweeper ends first, with the batch that it is at.
    async fn close(&self) -> Result<()> {
        if let Some(background) = &self.shared.background {
            background.stop().await;
        }
        self.inner.close().await
    }
}
