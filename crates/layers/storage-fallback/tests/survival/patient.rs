//! A caller that waits for the primary before each commit, scan and snapshot:
//! histories expect that these succeed where nothing has failed since.

use std::{
    any::{Any, TypeId},
    future::Future,
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Description, Entry, Health, Key, KeyRange,
    Maintenance, MaintenanceReport, OwnedKey, Page, Read, ReadOptions, Result, ScanOptions,
    Sequence, SnapshotOptions, Stats, Store, StoreExt, WriteBatch, WriteOptions,
};
use storage_fallback::{Fallback, FallbackControl};

#[derive(Debug)]
pub(crate) struct Patient<S>(pub(crate) Fallback<S>);

impl<S: Store> Patient<S> {
    async fn wait(&self) {
        if let Some(control) = self.0.find::<FallbackControl>() {
            control.returned().await;
        }
    }
}

impl<S: Store> Read for Patient<S> {
    fn get_with(
        &self,
        key: Key<'_>,
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Option<Entry>>> + Send {
        self.0.get_with(key, options)
    }

    fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Vec<Option<Entry>>>> + Send {
        self.0.get_many_with(keys, options)
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.wait().await;
        self.0.scan_with(range, options).await
    }

    fn sequence(&self) -> Option<Sequence> {
        self.0.sequence()
    }
}

impl<S: Store> Store for Patient<S> {
    type Snapshot = S::Snapshot;

    fn describe(&self) -> Description {
        self.0.describe()
    }

    fn capabilities(&self) -> &Capabilities {
        self.0.capabilities()
    }

    fn clock(&self) -> &Clock {
        self.0.clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        self.wait().await;
        self.0.commit_with(batch, options).await
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        self.wait().await;
        self.0.snapshot_with(options).await
    }

    fn stats(&self) -> impl Future<Output = Result<Stats>> + Send {
        self.0.stats()
    }

    fn health(&self) -> impl Future<Output = Result<Health>> + Send {
        self.0.health()
    }

    fn check(&self) -> impl Future<Output = Result<CheckReport>> + Send {
        self.0.check()
    }

    fn maintain(
        &self,
        maintenance: Maintenance,
    ) -> impl Future<Output = Result<MaintenanceReport>> + Send {
        self.0.maintain(maintenance)
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.0.control(id)
    }

    fn close(&self) -> impl Future<Output = Result<()>> + Send {
        self.0.close()
    }
}
