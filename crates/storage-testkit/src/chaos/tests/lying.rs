//! A store that lies now and then.

use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Description, Durability, Entry, Error, ErrorKind,
    Health, Key, KeyRange, Maintenance, MaintenanceReport, Outcome, OwnedKey, Page, Read,
    ReadOptions, Result, ScanOptions, Sequence, SnapshotOptions, Stats, Store, WriteBatch,
    WriteOptions, memory::MemoryBackend,
};
use tokio::time::sleep;

use crate::faulty::FaultyStore;

type Inner = FaultyStore<MemoryBackend>;

/// What a store says that is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// Acknowledges what it does not do.
    DropsWrites,
    /// Puts whatever is there.
    IgnoresGuards,
    /// Shows what was there when a key was first read.
    ReadsOldValues,
    /// Says that it has not done what it has.
    DeniesWrites,
    /// Says that it may have done what was refused.
    DoubtsRefusals,
    /// Takes longer than it may.
    AnswersLate,
}

/// Clients of one store, all of which lie in one way.
#[derive(Clone, Debug)]
pub(super) struct LyingStore(Arc<Liar>);

#[derive(Debug)]
struct Liar {
    inner: Inner,
    lie: Option<Lie>,
    calls: AtomicU64,
    first_read: Mutex<BTreeMap<OwnedKey, Entry>>,
}

impl LyingStore {
    /// Every so many calls it lies.
    const RATE: u64 = 50;

    pub(super) fn new(inner: Inner, lie: Option<Lie>) -> Self {
        Self(Arc::new(Liar {
            inner,
            lie,
            calls: AtomicU64::new(0),
            first_read: Mutex::default(),
        }))
    }

    fn inner(&self) -> &Inner {
        &self.0.inner
    }

    /// The lie that this call is told, if any.
    fn lie(&self) -> Option<Lie> {
        let call = self.0.calls.fetch_add(1, Ordering::Relaxed);
        self.0.lie.filter(|_| call % Self::RATE == Self::RATE - 1)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Read for LyingStore {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        let entry = self.inner().get_with(key, options).await?;
        let mut first_read = self.0.first_read.lock().unwrap();
        let first = entry
            .clone()
            .map(|entry| first_read.entry(key.to_owned()).or_insert(entry).clone());
        Ok(match self.lie() {
            Some(Lie::ReadsOldValues) => first,
            _ => entry,
        })
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        self.inner().get_many_with(keys, options).await
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.inner().scan_with(range, options).await
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner().sequence()
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for LyingStore {
    type Snapshot = <Inner as Store>::Snapshot;

    fn describe(&self) -> Description {
        self.inner().describe()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner().capabilities()
    }

    fn clock(&self) -> &Clock {
        self.inner().clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        let lie = self.lie();
        let batch = match lie.or(self.0.lie.filter(|lie| *lie == Lie::IgnoresGuards)) {
            Some(Lie::DropsWrites) => return Ok(Committed::new(None, Durability::Volatile)),
            Some(Lie::IgnoresGuards) => WriteBatch::from_parts(Vec::new(), batch.into_parts().1),
            Some(Lie::AnswersLate) => {
                sleep(Duration::from_millis(1_500)).await;
                batch
            }
            _ => batch,
        };
        let answer = self.inner().commit_with(batch, options).await;
        match (answer, self.0.lie) {
            (Ok(_), _) if lie == Some(Lie::DeniesWrites) => {
                Err(Error::new(ErrorKind::Unavailable, "lost").with_outcome(Outcome::NotApplied))
            }
            (Err(error), Some(Lie::DoubtsRefusals)) if error.kind() == ErrorKind::Unavailable => {
                Err(error.with_outcome(Outcome::Unknown))
            }
            (answer, _) => answer,
        }
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        self.inner().snapshot_with(options).await
    }

    async fn stats(&self) -> Result<Stats> {
        self.inner().stats().await
    }

    async fn health(&self) -> Result<Health> {
        self.inner().health().await
    }

    async fn check(&self) -> Result<CheckReport> {
        self.inner().check().await
    }

    async fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        self.inner().maintain(maintenance).await
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.inner().control(id)
    }

    /// One client less; the store stays.
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}
