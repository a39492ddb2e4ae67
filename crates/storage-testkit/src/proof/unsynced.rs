//! A store that only says that it syncs: what a proof of power loss has to find
//! out, whatever the engine.

use std::any::{Any, TypeId};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Description, Durability, Entry, Health, Key,
    KeyRange, Maintenance, MaintenanceReport, OwnedKey, Page, Read, ReadOptions, Result,
    ScanOptions, Sequence, SharedStore, SnapshotOptions, Stats, Store, WriteBatch, WriteOptions,
};

/// Commits as weakly as the store below it can, whatever it is asked for, and
/// answers as if it had done as asked. For
/// [`Program::subject_broken_by_power_loss`](super::Program::subject_broken_by_power_loss).
#[derive(Debug)]
pub struct Unsynced(SharedStore);

impl Unsynced {
    /// Over `store`, which syncs when it is asked to.
    #[must_use]
    pub const fn new(store: SharedStore) -> Self {
        Self(store)
    }
}

#[deny(clippy::missing_trait_methods)]
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

#[deny(clippy::missing_trait_methods)]
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
        let weakest = self.0.capabilities().durability_min;
        let weakened = options.clone().durability(weakest);
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
