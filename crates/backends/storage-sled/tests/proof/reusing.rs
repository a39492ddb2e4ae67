//! A store that uses the segments of its log again and again.

use std::{
    any::{Any, TypeId},
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Components, Description, Durability, Entry,
    Health, Key, KeyRange, Maintenance, MaintenanceReport, OwnedKey, Page, Random, Read,
    ReadOptions, Result, ScanOptions, SeededRandom, Sequence, SharedStore, SnapshotOptions, Stats,
    Store, StoreExt, SystemKeys, WriteBatch, WriteOptions,
};
use storage_sled::SledConfig;

/// How large a filler is, and how many keys there are for it. Nothing of a
/// segment stays in use for long.
const FILLER_BYTES: usize = 15_000;
const FILLER_KEYS: u64 = 48;

/// One commit in so many is preceded by unsynced ones, which begin several
/// segments.
const STORM_ONCE_IN: u64 = 6;
const STORM_COMMITS: u64 = 12;

/// How many fillers are committed at once.
const FILLERS: u64 = 30;

/// Opens the store in `directory`. Nothing of the filler is left when it is open.
pub(crate) async fn open(directory: PathBuf, components: Components) -> Result<SharedStore> {
    let store = SledConfig::new(directory).open_with(components).await?;
    let fillers = SystemKeys::of("filler").range();
    store
        .commit(WriteBatch::new().delete_range(fillers))
        .await?;
    Ok(SharedStore::new(Reusing {
        store: SharedStore::new(store),
        commits: AtomicU64::new(0),
        fillers: AtomicU64::new(0),
        noise: noise()?,
    }))
}

/// What cannot be compressed.
fn noise() -> Result<Vec<u8>> {
    let mut noise = vec![0; 2 * FILLER_BYTES];
    SeededRandom::new(1).fill(&mut noise)?;
    Ok(noise)
}

/// Commits a lot of filler beside whatever it commits.
#[derive(Debug)]
struct Reusing {
    store: SharedStore,
    commits: AtomicU64,
    fillers: AtomicU64,
    noise: Vec<u8>,
}

impl Reusing {
    /// Writes a lot that nobody waits for, by batches and by single puts.
    async fn storm(&self) -> Result<()> {
        let volatile = WriteOptions::new().durability(Durability::Volatile);
        for _ in 0..STORM_COMMITS {
            let batch = WriteBatch::new();
            let batch = (0..FILLERS).fold(batch, |batch, _| self.with_filler(batch));
            self.store.commit_with(batch, &volatile).await?;
            let single = self.with_filler(WriteBatch::new());
            self.store.commit_with(single, &volatile).await?;
        }
        Ok(())
    }

    fn with_filler(&self, batch: WriteBatch) -> WriteBatch {
        let number = self.fillers.fetch_add(1, Ordering::Relaxed);
        let key = SystemKeys::of("filler").key((number % FILLER_KEYS).to_string());
        let start = usize::try_from(number).unwrap_or(0) % FILLER_BYTES;
        let filler = self.noise.get(start..start + FILLER_BYTES);
        batch.put(key, filler.unwrap_or_default().to_vec())
    }
}

impl Read for Reusing {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        self.store.get_with(key, options).await
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        self.store.get_many_with(keys, options).await
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.store.scan_with(range, options).await
    }

    fn sequence(&self) -> Option<Sequence> {
        self.store.sequence()
    }
}

impl Store for Reusing {
    type Snapshot = <SharedStore as Store>::Snapshot;

    fn describe(&self) -> Description {
        self.store.describe()
    }

    fn capabilities(&self) -> &Capabilities {
        self.store.capabilities()
    }

    fn clock(&self) -> &Clock {
        self.store.clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(STORM_ONCE_IN) {
            self.storm().await?;
        }
        self.store.commit_with(batch, options).await
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        self.store.snapshot_with(options).await
    }

    async fn stats(&self) -> Result<Stats> {
        self.store.stats().await
    }

    async fn health(&self) -> Result<Health> {
        self.store.health().await
    }

    async fn check(&self) -> Result<CheckReport> {
        self.store.check().await
    }

    async fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        self.store.maintain(maintenance).await
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.store.control(id)
    }

    async fn close(&self) -> Result<()> {
        self.store.close().await
    }
}
