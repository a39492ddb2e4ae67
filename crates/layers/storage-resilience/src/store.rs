//! The store that the layer makes, and its snapshots.

use std::{
    any::{Any, TypeId},
    future::Future,
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Description, Entry, Health, Key, KeyRange,
    Maintenance, MaintenanceReport, Operation, OwnedKey, Page, Read, ReadOptions, Result,
    ScanOptions, Sequence, SnapshotOptions, Stats, Store, WriteBatch, WriteOptions,
};

use crate::{
    CircuitState, NAME, ResilienceControl,
    call::{Request, Shared},
    repeat::Effect,
};

/// What [`ResilienceLayer`](crate::ResilienceLayer) makes of a store, and of a
/// store's snapshots.
#[derive(Clone, Debug)]
pub struct Resilient<R> {
    inner: R,
    control: ResilienceControl,
}

impl<R> Resilient<R> {
    pub(crate) const fn new(inner: R, control: ResilienceControl) -> Self {
        Self { inner, control }
    }

    fn shared(&self) -> &Shared {
        &self.control.shared
    }
}

// A wrapper that relied on a default method would forget to forward it.
#[deny(clippy::missing_trait_methods)]
impl<R: Read> Read for Resilient<R> {
    fn get_with(
        &self,
        key: Key<'_>,
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Option<Entry>>> + Send {
        let request = Request::reading(Operation::Get, Some(key));
        self.shared()
            .carry_out(request, move || self.inner.get_with(key, options))
    }

    fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Vec<Option<Entry>>>> + Send {
        let first = keys.first().map(OwnedKey::as_key);
        let request = Request::reading(Operation::Get, first);
        self.shared()
            .carry_out(request, move || self.inner.get_many_with(keys, options))
    }

    fn scan_with(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> impl Future<Output = Result<Page>> + Send {
        let request = Request::reading(Operation::Scan, None);
        self.shared()
            .carry_out(request, move || self.inner.scan_with(range, options))
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for Resilient<S> {
    type Snapshot = Resilient<S::Snapshot>;

    fn describe(&self) -> Description {
        self.inner.describe().under(NAME).needing_runtime()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        let request = Request {
            operation: Operation::Commit,
            effect: Effect::of(&batch),
            key: batch.first_key(),
        };
        // Whatever is repeated takes a batch of its own.
        let begin = || self.inner.commit_with(batch.clone(), options);
        self.shared().carry_out(request, begin).await
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        let request = Request::reading(Operation::Snapshot, None);
        let begin = || self.inner.snapshot_with(options);
        let snapshot = self.shared().carry_out(request, begin).await?;
        Ok(Resilient::new(snapshot, self.control.clone()))
    }

    async fn stats(&self) -> Result<Stats> {
        let request = Request::reading(Operation::Inspect, None);
        let stats = self.shared().carry_out(request, || self.inner.stats());
        Ok(self.control.stats().added_to(stats.await?))
    }

    /// Asks the store below even while the circuit is open, which is an issue of
    /// its own, `circuit_open`.
    async fn health(&self) -> Result<Health> {
        let request = Request::reading(Operation::Inspect, None);
        let health = self.shared().in_time(request, self.inner.health()).await?;
        Ok(match self.control.circuit() {
            CircuitState::Closed => health,
            CircuitState::Open { remaining } => health.with(
                "circuit_open",
                format!("calls are refused for another {remaining:?}: too many were not answered"),
            ),
            CircuitState::HalfOpen => health.with(
                "circuit_open",
                "the next call is a trial: too many were not answered",
            ),
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
        if id == TypeId::of::<ResilienceControl>() {
            return Some(&self.control);
        }
        self.inner.control(id)
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await?;
        // From now on the truth is `Closed`, not that the store is left alone.
        self.control.close_circuit();
        Ok(())
    }
}
