//! For tests: a store that is not quite the one below it.

use std::{
    any::{Any, TypeId},
    future::Future,
    sync::Mutex,
    time::Duration,
};

use crate::{
    Capabilities, CheckReport, Clock, Committed, Description, Durability, Entry, Health, Key,
    KeyRange, Maintenance, MaintenanceReport, OwnedKey, Page, Read, ReadOptions, Result,
    ScanOptions, Sequence, SnapshotOptions, Stats, Store, WriteBatch, WriteOptions,
};

/// A store with other capabilities, which remembers what was asked of it.
#[derive(Debug)]
pub(crate) struct Altered<S> {
    inner: S,
    capabilities: Capabilities,
    /// How long each read sleeps on a Tokio timer.
    delay: Option<Duration>,
    /// The durabilities that commits asked for.
    pub(crate) durabilities: Mutex<Vec<Option<Durability>>>,
    /// How many commits are under way, and the most that ever were.
    pub(crate) under_way: Mutex<(usize, usize)>,
    /// The greatest number of entries that each scan asked for.
    pub(crate) scans: Mutex<Vec<usize>>,
}

impl<S: Store> Altered<S> {
    /// `inner` with the capabilities that `alter` leaves of it.
    pub(crate) fn new(inner: S, alter: impl FnOnce(&mut Capabilities)) -> Self {
        let mut capabilities = inner.capabilities().clone();
        alter(&mut capabilities);
        Self {
            inner,
            capabilities,
            delay: None,
            durabilities: Mutex::default(),
            under_way: Mutex::default(),
            scans: Mutex::default(),
        }
    }

    /// `inner` with point reads that take a timer of a Tokio runtime.
    pub(crate) fn slow(inner: S, delay: Duration) -> Self {
        Self {
            delay: Some(delay),
            ..Self::new(inner, |_| {})
        }
    }
}

impl<S: Store> Read for Altered<S> {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        if let Some(delay) = self.delay {
            tokio::time::sleep(delay).await;
        }
        self.inner.get_with(key, options).await
    }

    fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Vec<Option<Entry>>>> + Send {
        self.inner.get_many_with(keys, options)
    }

    fn scan_with(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> impl Future<Output = Result<Page>> + Send {
        self.scans.lock().unwrap().push(options.entries_max);
        self.inner.scan_with(range, options)
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }
}

impl<S: Store> Store for Altered<S> {
    type Snapshot = S::Snapshot;

    fn describe(&self) -> Description {
        let description = self.inner.describe();
        match self.delay {
            None => description,
            Some(_) => description.needing_runtime(),
        }
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        self.capabilities.admit(&batch)?;
        self.capabilities.admit(options)?;
        self.durabilities.lock().unwrap().push(options.durability);
        {
            let (now, most) = &mut *self.under_way.lock().unwrap();
            *now += 1;
            *most = (*most).max(*now);
        }
        // Whoever is to commit at the same time gets to it.
        tokio::task::yield_now().await;
        // The store below may offer less than this one pretends to.
        let committed = self.inner.commit_with(batch, &WriteOptions::new()).await;
        self.under_way.lock().unwrap().0 -= 1;
        committed
    }

    fn snapshot_with(
        &self,
        options: &SnapshotOptions,
    ) -> impl Future<Output = Result<Self::Snapshot>> + Send {
        self.inner.snapshot_with(options)
    }

    fn stats(&self) -> impl Future<Output = Result<Stats>> + Send {
        self.inner.stats()
    }

    fn health(&self) -> impl Future<Output = Result<Health>> + Send {
        self.inner.health()
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
        self.inner.control(id)
    }

    fn close(&self) -> impl Future<Output = Result<()>> + Send {
        self.inner.close()
    }
}
