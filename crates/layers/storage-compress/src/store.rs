//! The store that the layer makes, and its snapshots.

use std::{
    any::{Any, TypeId},
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Components, Description, Error, Health,
    Maintenance, MaintenanceReport, Operation, Outcome, Result, SnapshotOptions, Stats, Store,
    Unit, WriteBatch, WriteOptions,
};

use crate::{
    CompressConfig, CompressControl, check,
    dictionary::{self, Dictionaries, Trainer},
    layer::NAME,
    shared::{Shared, Worker},
};

/// What [`CompressLayer`](crate::CompressLayer) makes of a store, and of a store's
/// snapshots. Clones are the same store.
#[derive(Debug)]
pub struct CompressStore<R> {
    pub(crate) inner: Arc<R>,
    pub(crate) shared: Arc<Shared>,
}

impl<S: Store> CompressStore<S> {
    /// # Errors
    /// As for reading the store below, which is done if dictionaries may be made.
    pub(crate) async fn open(
        config: &CompressConfig,
        inner: S,
        components: &Components,
    ) -> Result<Self> {
        let known = Arc::new(Dictionaries::default());
        if Trainer::is_for(config, inner.capabilities()) {
            // What is damaged is told by those who need it.
            let found = dictionary::all(&inner).await?;
            for dictionary in found.into_iter().filter_map(|(_, found)| found.ok()) {
                known.add(dictionary);
            }
        }
        let below = inner.capabilities();
        Ok(Self {
            shared: Arc::new(Shared::new(config, below, known, components)),
            inner: Arc::new(inner),
        })
    }

    /// The batch that is committed below.
    fn encoded(&self, batch: WriteBatch) -> Result<WriteBatch> {
        let batch = self.shared.encode(batch).map_err(unencoded)?;
        if let Some(turn) = self.shared.turn_to_train() {
            let known = Arc::clone(&self.shared.known);
            let work = dictionary::train_and_store(turn, Arc::downgrade(&self.inner), known);
            let work = self.shared.driver.drive_on_pool(async move {
                work.await;
                Ok(())
            });
            // Once polled it goes to its end, and nobody waits for it.
            let _ = pin!(work).poll(&mut Context::from_waker(Waker::noop()));
        }
        Ok(batch)
    }

    /// Compresses a batch, which takes long, and commits it.
    async fn encode_and_commit(
        self,
        batch: WriteBatch,
        options: WriteOptions,
    ) -> Result<Committed> {
        let batch = self.encoded(batch)?;
        self.inner.commit_with(batch, &options).await
    }
}

impl<R> Clone for CompressStore<R> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            shared: Arc::clone(&self.shared),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for CompressStore<S> {
    type Snapshot = CompressStore<S::Snapshot>;

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
        self.shared.capabilities.admit(&batch).map_err(unencoded)?;
        match self.shared.compresses(&batch) {
            // Nothing is waited for before the store below has the commit.
            Worker::Caller => {
                let batch = self.encoded(batch)?;
                self.inner.commit_with(batch, options).await
            }
            Worker::Pool => {
                let work = self.clone().encode_and_commit(batch, options.clone());
                self.shared.driver.drive_on_pool(work).await
            }
        }
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        let inner = self.inner.snapshot_with(options).await?;
        Ok(CompressStore {
            inner: Arc::new(inner),
            shared: Arc::clone(&self.shared),
        })
    }

    async fn stats(&self) -> Result<Stats> {
        let stats = self.inner.stats().await?;
        let own = self.shared.control.stats();
        let trained = own.dictionaries;
        Ok(stats
            .with("compress_logical_bytes", own.logical_bytes, Unit::Bytes)
            .with("compress_stored_bytes", own.stored_bytes, Unit::Bytes)
            .with("compress_skipped", own.skipped + own.random, Unit::Count)
            .with("compress_unsaved", own.unsaved, Unit::Count)
            .with("compress_dictionaries", trained.known, Unit::Count)
            .with(
                "compress_trained_logical_bytes",
                trained.logical_bytes,
                Unit::Bytes,
            )
            .with(
                "compress_trained_stored_bytes",
                trained.stored_bytes,
                Unit::Bytes,
            ))
    }

    fn health(&self) -> impl Future<Output = Result<Health>> + Send {
        self.inner.health()
    }

    /// Checks the store below, and then whether each value can be decoded.
    async fn check(&self) -> Result<CheckReport> {
        let report = self.inner.check().await?;
        check::values(self, report).await
    }

    fn maintain(
        &self,
        maintenance: Maintenance,
    ) -> impl Future<Output = Result<MaintenanceReport>> + Send {
        self.inner.maintain(maintenance)
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        if id == TypeId::of::<CompressControl>() {
            return Some(&self.shared.control);
        }
        self.inner.control(id)
    }

    /// Waits for the commits that are being compressed and the dictionary that is being
    /// made, and closes the store below.
    async fn close(&self) -> Result<()> {
        self.shared.driver.finish().await;
        self.inner.close().await
    }
}

/// The error of a commit that did not come as far as the store below.
fn unencoded(error: Error) -> Error {
    error
        .with_outcome(Outcome::NotApplied)
        .with_operation(Operation::Commit)
}
