//! A store that only says that it syncs.

use std::any::{Any, TypeId};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Description, Durability, Entry, Health, Key,
    KeyRange, Maintenance, MaintenanceReport, OwnedKey, Page, Read, ReadOptions, Result,
    ScanOptions, Sequence, SharedStore, SnapshotOptions, Stats, Store, WriteBatch, WriteOptions,
};

/// Commits as `Buffered` whatever it is asked for, and answers as if it had
/// synced.
#[derive(Debug)]
pub(crate) struct Unsynced(pub(crate) SharedStore);

impl Read for Unsynced {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        self.0.get_with(key, options).await
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        self.0.get_many_with(keys, options).await
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.0.scan_with(range, options).await
    }

    fn sequence(&self) -> Option<Sequence> {
        self.0.sequence()
    }
}

impl Store for Unsynced {
    type Snapshot = <SharedStore as Store>::Snapshot;

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
        let weakened = options.clone().durability(Durability::Buffered);
        let committed = self.0.commit_with(batch, &weakened).await?;
        let asked_for = options.durability.unwrap_or(Durability::Synced);
        Ok(Committed::new(committed.sequence, asked_for))
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        self.0.snapshot_with(options).await
    }

    async fn stats(&self) -> Result<Stats> {
        self.0.stats().await
    }

    async fn health(&self) -> Result<Health> {
        self.0.health().await
    }

    async fn check(&self) -> Result<CheckReport> {
        self.0.check().await
    }

    async fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        self.0.maintain(maintenance).await
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.0.control(id)
    }

    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}
