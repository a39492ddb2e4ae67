//! The store that fails.

use std::{
    any::{Any, TypeId},
    future::Future,
    sync::Arc,
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Description, Entry, ErrorKind, Health, Key,
    KeyRange, Maintenance, MaintenanceReport, Outcome, OwnedKey, Page, Read, ReadOptions, Result,
    ScanOptions, Sequence, SnapshotOptions, Stats, Store, WriteBatch, WriteOptions,
};
use tokio::sync::oneshot;

use super::{
    Faults, FaultyReader, Until,
    background::in_background,
    call::{Call, Touched},
    fault::{Effect, NAME},
    reader::meddle,
    tally::{Tally, UnderWay},
};

/// A store over another that passes everything through, except for what
/// [`Faults`] make of it. Its snapshots are faulty, too.
///
/// It keeps the contract of a store under every fault:
/// [`Fault`](super::Fault) says which part of the contract lets each of them
/// happen. Clones are the same store.
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: Arc<FaultyReader<S>>,
    /// Commits of this store that were accepted and are held.
    held: Tally,
}

impl<S: Store> FaultyStore<S> {
    /// `inner`, directed by `faults`.
    #[must_use]
    pub fn new(inner: S, faults: &Faults) -> Self {
        Self {
            inner: Arc::new(FaultyReader::of_store(inner, faults.clone())),
            held: Tally::new(),
        }
    }

    /// The handle that directs the store.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        self.inner.faults()
    }

    /// The store below, which has no faults.
    #[must_use]
    pub fn below(&self) -> &S {
        self.inner.inner()
    }

    /// Makes a commit when `until` is over, whether or not its future lives on.
    /// Until then, `held` counts it.
    fn commit_later(
        &self,
        until: Until,
        batch: WriteBatch,
        options: &WriteOptions,
        held: Option<UnderWay>,
    ) -> oneshot::Receiver<Result<Committed>> {
        let (store, options) = (Arc::clone(&self.inner), options.clone());
        let under_way = (self.faults().background().begin(), held);
        let (sender, receiver) = oneshot::channel();
        in_background(async move {
            until.wait().await;
            let answer = store.inner().commit_with(batch, &options).await;
            drop(under_way);
            // Whoever asked may have left.
            let _ = sender.send(answer);
        });
        receiver
    }

    /// Calls that touch no entry.
    fn meddle<T>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T>>,
    ) -> impl Future<Output = Result<T>> {
        meddle(self.faults(), call, Touched::Nothing, work, |_| None)
    }
}

impl<S> Clone for FaultyStore<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            held: self.held.clone(),
        }
    }
}

// A wrapper that relied on a default method would forget to forward it.
#[deny(clippy::missing_trait_methods)]
impl<S: Store> Read for FaultyStore<S> {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        self.inner.get_with(key, options).await
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        self.inner.get_many_with(keys, options).await
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.inner.scan_with(range, options).await
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for FaultyStore<S> {
    type Snapshot = FaultyReader<S::Snapshot>;

    /// Needs a runtime as long as a fault waits for a timer.
    fn describe(&self) -> Description {
        let description = self.below().describe().under(NAME);
        if self.faults().need_timers() {
            description.needing_runtime()
        } else {
            description
        }
    }

    fn capabilities(&self) -> &Capabilities {
        self.below().capabilities()
    }

    fn clock(&self) -> &Clock {
        self.below().clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        let (faults, touched) = (self.faults(), Touched::Batch(&batch));
        let Some(injection) = faults.strike(Call::Commit, touched) else {
            return self.below().commit_with(batch, options).await;
        };
        let fault = injection.fault();
        if let Some(until) = fault.until() {
            until.check()?;
        }
        faults.happened(&injection);
        let error = |kind, outcome| fault.error(kind, outcome, Call::Commit, touched);
        match fault.effect() {
            Effect::Refuse(kind) => Err(error(*kind, Outcome::NotApplied)),
            Effect::LoseRequest(kind) => Err(error(*kind, Outcome::Unknown)),
            Effect::LoseAnswer(kind) => {
                let error = error(*kind, Outcome::Unknown);
                let _lost = self.below().commit_with(batch, options).await;
                Err(error)
            }
            Effect::ApplyLate(kind, until) => {
                let error = error(*kind, Outcome::Unknown);
                drop(self.commit_later(until.clone(), batch, options, None));
                Err(error)
            }
            Effect::Hold(until) => {
                let lost = error(ErrorKind::Internal, Outcome::Unknown);
                let held = Some(self.held.begin());
                let answer = self.commit_later(until.clone(), batch, options, held);
                // Only the end of its runtime ends a commit without an answer.
                answer.await.unwrap_or(Err(lost))
            }
            Effect::HoldAnswer(until) => {
                let answer = self.below().commit_with(batch, options).await;
                until.wait().await;
                answer
            }
            Effect::Corrupt => self.below().commit_with(batch, options).await,
        }
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        let work = self.below().snapshot_with(options);
        let snapshot = self.meddle(Call::Snapshot, work).await?;
        Ok(FaultyReader::of_snapshot(snapshot, self.faults().clone()))
    }

    fn stats(&self) -> impl Future<Output = Result<Stats>> + Send {
        self.meddle(Call::Stats, self.below().stats())
    }

    fn health(&self) -> impl Future<Output = Result<Health>> + Send {
        self.meddle(Call::Health, self.below().health())
    }

    fn check(&self) -> impl Future<Output = Result<CheckReport>> + Send {
        self.meddle(Call::Check, self.below().check())
    }

    fn maintain(
        &self,
        maintenance: Maintenance,
    ) -> impl Future<Output = Result<MaintenanceReport>> + Send {
        self.meddle(Call::Maintain, self.below().maintain(maintenance))
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        if id == TypeId::of::<Faults>() {
            return Some(self.faults());
        }
        self.below().control(id)
    }

    async fn close(&self) -> Result<()> {
        let work = async {
            // Closing finishes what was accepted.
            self.held.none().await;
            self.below().close().await
        };
        self.meddle(Call::Close, work).await
    }
}
