//! The store that the layer makes.

use std::{
    any::{Any, TypeId},
    future::Future,
    sync::Arc,
    time::Duration,
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Description, Durability, Entry, Error, ErrorKind,
    Health, Key, KeyRange, Maintenance, MaintenanceReport, Operation, OwnedKey, Page, Read,
    ReadOptions, Result, ScanOptions, Sequence, SnapshotOptions, Stats, Store, Unit, WriteBatch,
    WriteOptions,
};

use crate::{
    FallbackControl, FallbackState, NAME, core::Core, gone::is_gone, returning::Returning,
    status::count,
};

/// What [`FallbackLayer`](crate::FallbackLayer) makes of a store. Clones are the
/// same store.
#[derive(Debug)]
pub struct Fallback<S> {
    inner: Arc<S>,
    control: FallbackControl,
    returning: Arc<Returning>,
}

impl<S: Store> Fallback<S> {
    pub(crate) fn new(inner: S, core: Arc<Core>) -> Self {
        let inner = Arc::new(inner);
        let returning = Returning::start(&inner, &core);
        // What an earlier process has left.
        if core.holds_back() {
            core.status.begin_return();
            core.wake.notify_one();
        }
        Self {
            inner,
            control: FallbackControl { core },
            returning: Arc::new(returning),
        }
    }

    pub(crate) fn inner(&self) -> &S {
        &self.inner
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.control.core
    }
}

impl<S> Clone for Fallback<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            control: self.control.clone(),
            returning: Arc::clone(&self.returning),
        }
    }
}

// A wrapper that relied on a default method would forget to forward it.
#[deny(clippy::missing_trait_methods)]
impl<S: Store> Read for Fallback<S> {
    fn get_with(
        &self,
        key: Key<'_>,
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Option<Entry>>> + Send {
        self.get(key, options)
    }

    fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Vec<Option<Entry>>>> + Send {
        self.get_many(keys, options)
    }

    fn scan_with(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> impl Future<Output = Result<Page>> + Send {
        self.scan(range, options)
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for Fallback<S> {
    /// Snapshots are those of the primary, and fail with it.
    type Snapshot = S::Snapshot;

    fn describe(&self) -> Description {
        self.inner.describe().under(NAME).needing_runtime()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.core().capabilities
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }

    fn commit_with(
        &self,
        batch: WriteBatch,
        options: &WriteOptions,
    ) -> impl Future<Output = Result<Committed>> + Send {
        self.commit(batch, options)
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        let core = self.core();
        if !core.pending.is_empty() {
            count(&core.status.tally.refused, 1);
            return Err(Error::new(
                ErrorKind::Unavailable,
                "accepted commits are not written back yet, and a snapshot would miss them",
            )
            .with_retry_after(core.config.probe_first)
            .with_operation(Operation::Snapshot)
            .with_layer(NAME));
        }
        let snapshot = self.inner.snapshot_with(options).await;
        snapshot.map_err(|error| {
            if is_gone(&error) {
                core.failed(error)
            } else {
                error
            }
        })
    }

    /// Answers even while the primary is gone, once that has been noticed, with the
    /// figures of this layer alone.
    ///
    /// `fallback_lag` is zero while no accepted commit is pending. Else it is for how long, by
    /// the clock of the store, the primary has been gone: since it was noticed, until all is
    /// written back. That may be longer than the oldest pending commit has waited. It begins
    /// anew with each open: what an earlier one has left pending counts from the open on.
    async fn stats(&self) -> Result<Stats> {
        let stats = match self.inner.stats().await {
            Err(error) if is_gone(&error) && self.control.state() != FallbackState::Primary => {
                Stats::default()
            }
            stats => stats?,
        };
        let pending = u64::try_from(self.control.pending()).unwrap_or(u64::MAX);
        let lag = match pending {
            0 => Duration::ZERO,
            _ => self.core().status.away_for(),
        };
        let stats = self.control.stats().added_to(stats, pending);
        let microseconds = u64::try_from(lag.as_micros()).unwrap_or(u64::MAX);
        Ok(stats.with("fallback_lag", microseconds, Unit::Microseconds))
    }

    /// Answers even while the primary is gone, once that has been noticed, with the
    /// issue `primary_gone`; what is pending is the issue `not_written_back`. Where
    /// commits could not be accepted, `standby_taken` says that another process has the
    /// standby, and `standby_gone` that it does not answer.
    async fn health(&self) -> Result<Health> {
        let health = match self.inner.health().await {
            Err(error) if is_gone(&error) && self.control.state() != FallbackState::Primary => {
                Health::default().with("primary_gone", error.to_string())
            }
            health => health?,
        };
        let health = match self.core().standby_issue().await {
            Some((name, detail)) => health.with(name, detail),
            None => health,
        };
        Ok(match self.control.pending() {
            0 => health,
            pending => {
                let kept = self.core().standby.capabilities().durability_max;
                let detail = format!("{pending} accepted commits are kept {kept:?} at most so far");
                health.with("not_written_back", detail)
            }
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
        if id == TypeId::of::<FallbackControl>() {
            return Some(&self.control);
        }
        self.inner.control(id)
    }

    /// Writes back what is pending. If that fails, it stays in a standby that
    /// outlives the process; one that does not fails the closing, and everything
    /// stays open: close again later, or [abandon](FallbackControl::abandon) it.
    async fn close(&self) -> Result<()> {
        let core = self.core();
        let Some(journal) = &core.journal else {
            return self.inner.close().await;
        };
        if core.holds_back() {
            // What became of it is seen below.
            let _ = core.come_back(&*self.inner).await;
        }
        let mut journal = journal.lock().await;
        let pending = core.pending.len();
        if pending > 0 && core.standby.capabilities().durability_max == Durability::Volatile {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "{pending} accepted commits are in memory alone, and the store that they \
                     are to be written back to is gone; close again later, or abandon them"
                ),
            )
            .with_operation(Operation::Close)
            .with_layer(NAME));
        }
        self.inner.close().await?;
        journal.release().await;
        core.pending.remove_through(u64::MAX);
        core.standby.close().await
    }
}
