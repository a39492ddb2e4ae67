//! The store that the layer makes, and its snapshots.

use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
    future::Future,
    sync::Arc,
    time::Duration,
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Description, Entry, Health, Item, Key, KeyRange,
    Maintenance, MaintenanceReport, OwnedKey, Page, Read, ReadOptions, RedactedKey, Result,
    ScanOptions, Sequence, SnapshotOptions, Stats, Store, WriteBatch, WriteOptions,
};
use tracing::Instrument;

use crate::{
    MetricsControl, NAME,
    meter::{Meter, OperationName, Volume},
    observer::Observer,
    recording::Recording,
    sampler::Sampler,
    watched::Watched,
};

/// What [`MetricsLayer`](crate::MetricsLayer) makes of a store, and of a store's
/// snapshots. Clones are the same store.
#[derive(Debug)]
pub struct Metered<R> {
    /// Shared with the task that samples it.
    inner: Arc<R>,
    meters: Arc<Meters>,
    control: MetricsControl,
    observer: Arc<Observer>,
    sampler: Option<Arc<Sampler>>,
}

/// The meters of all operations.
#[derive(Debug)]
pub(crate) struct Meters {
    get: Meter,
    get_many: Meter,
    scan: Meter,
    commit: Meter,
    snapshot: Meter,
    stats: Meter,
    health: Meter,
    check: Meter,
    maintain: Meter,
    close: Meter,
}

/// The names of all operations.
pub(crate) const OPERATION_NAMES: [OperationName; 10] = [
    "get", "get_many", "scan", "commit", "snapshot", "stats", "health", "check", "maintain",
    "close",
];

impl Meters {
    pub(crate) fn new(
        recording: &Recording,
        slow_after: Option<Duration>,
        watched: &BTreeMap<OperationName, Arc<Watched>>,
    ) -> Arc<Self> {
        let meter = |operation, slow_after| {
            let watched = watched.get(operation).cloned();
            Meter::new(operation, recording, slow_after, watched)
        };
        Arc::new(Self {
            get: meter("get", slow_after),
            get_many: meter("get_many", slow_after),
            scan: meter("scan", slow_after),
            commit: meter("commit", slow_after),
            snapshot: meter("snapshot", slow_after),
            stats: meter("stats", slow_after),
            health: meter("health", slow_after),
            // These take as long as they take.
            check: meter("check", None),
            maintain: meter("maintain", None),
            close: meter("close", None),
        })
    }
}

impl<R> Metered<R> {
    pub(crate) fn new(
        inner: Arc<R>,
        meters: Arc<Meters>,
        observer: Arc<Observer>,
        sampler: Option<Arc<Sampler>>,
    ) -> Self {
        Self {
            inner,
            meters,
            control: MetricsControl::new(Arc::clone(&observer)),
            observer,
            sampler,
        }
    }
}

impl<R> Clone for Metered<R> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            meters: Arc::clone(&self.meters),
            control: self.control.clone(),
            observer: Arc::clone(&self.observer),
            sampler: self.sampler.clone(),
        }
    }
}

/// Measures `work`. `volume` is what its answer holds, `key` by what it is known.
async fn measured<T>(
    meter: &Meter,
    work: impl Future<Output = Result<T>>,
    volume: impl FnOnce(&T) -> Volume,
    key: impl FnOnce() -> Option<RedactedKey>,
) -> Result<T> {
    let under_way = meter.begin();
    let span = meter.span();
    let answer = work.instrument(span.clone()).await;
    under_way.end(&span, answer.as_ref().map(volume), key);
    answer
}

/// Measures work that neither reads nor writes entries.
async fn timed<T>(meter: &Meter, work: impl Future<Output = Result<T>>) -> Result<T> {
    measured(meter, work, |_| Volume::default(), || None).await
}

// A wrapper that relied on a default method would forget to forward it.
#[deny(clippy::missing_trait_methods)]
impl<R: Read> Read for Metered<R> {
    fn get_with(
        &self,
        key: Key<'_>,
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Option<Entry>>> + Send {
        let work = self.inner.get_with(key, options);
        let volume = |entry: &Option<Entry>| volume_of(entry.iter());
        measured(&self.meters.get, work, volume, move || Some(key.into()))
    }

    fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Vec<Option<Entry>>>> + Send {
        let work = self.inner.get_many_with(keys, options);
        let volume = |entries: &Vec<Option<Entry>>| volume_of(entries.iter().flatten());
        let first = || keys.first().map(|key| key.as_key().into());
        measured(&self.meters.get_many, work, volume, first)
    }

    fn scan_with(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> impl Future<Output = Result<Page>> + Send {
        let work = self.inner.scan_with(range, options);
        let volume = |page: &Page| Volume {
            read_bytes: as_u64(page.items.iter().map(Item::size_bytes).sum()),
            read_entries: as_u64(page.items.len()),
            written_bytes: 0,
        };
        measured(&self.meters.scan, work, volume, || None)
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for Metered<S> {
    type Snapshot = Metered<S::Snapshot>;

    fn describe(&self) -> Description {
        let description = self.inner.describe().under(NAME);
        match self.sampler {
            Some(_) => description.needing_runtime(),
            None => description,
        }
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        let meter = &self.meters.commit;
        let written_bytes = as_u64(batch.size_bytes());
        // The batch is gone by the time it turns out to have been slow.
        let key: Option<RedactedKey> = match batch.first_key() {
            Some(key) if meter.wants_key() => Some(key.into()),
            _ => None,
        };
        let volume = |_: &Committed| Volume {
            written_bytes,
            ..Volume::default()
        };
        let work = self.inner.commit_with(batch, options);
        measured(meter, work, volume, || key).await
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        let work = self.inner.snapshot_with(options);
        let snapshot = timed(&self.meters.snapshot, work).await?;
        Ok(Metered {
            inner: Arc::new(snapshot),
            meters: Arc::clone(&self.meters),
            control: self.control.clone(),
            observer: Arc::clone(&self.observer),
            sampler: None,
        })
    }

    async fn stats(&self) -> Result<Stats> {
        let stats = timed(&self.meters.stats, self.inner.stats()).await;
        let now = self.inner.clock().now();
        self.observer.observe(now, stats.as_ref().ok());
        stats
    }

    fn health(&self) -> impl Future<Output = Result<Health>> + Send {
        timed(&self.meters.health, self.inner.health())
    }

    fn check(&self) -> impl Future<Output = Result<CheckReport>> + Send {
        timed(&self.meters.check, self.inner.check())
    }

    fn maintain(
        &self,
        maintenance: Maintenance,
    ) -> impl Future<Output = Result<MaintenanceReport>> + Send {
        timed(&self.meters.maintain, self.inner.maintain(maintenance))
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        if id == TypeId::of::<MetricsControl>() {
            return Some(&self.control);
        }
        self.inner.control(id)
    }

    async fn close(&self) -> Result<()> {
        timed(&self.meters.close, self.inner.close()).await?;
        if let Some(sampler) = &self.sampler {
            sampler.stop();
        }
        Ok(())
    }
}

fn volume_of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Volume {
    entries.fold(Volume::default(), |sum, entry| Volume {
        read_bytes: sum.read_bytes + as_u64(entry.value().len()),
        read_entries: sum.read_entries + 1,
        ..sum
    })
}

fn as_u64(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
