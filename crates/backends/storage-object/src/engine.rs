//! The engine: objects behind the trait that engines across a network implement.

use std::{fmt, num::NonZeroUsize, sync::Arc};

use futures_util::{StreamExt, stream};
use storage_core::{
    BatchScope, Capabilities, CheckReport, Committed, Consistency, CrashOrder, Damage, Description,
    Durability, Entry, Error, ErrorKind, Health, KeyRange, OwnedKey, Page, Random, ReadSupport,
    Result, ScanOptions, ScanOrder, Sequence, SequenceScope, SnapshotSupport, Space, Stats,
    StoreDirectory, Support, Timestamp, Unit, WriteBatch,
    networked::{Engine, EngineRead, Limits},
};
use tokio::time::Instant;

use crate::{
    bucket::{Bucket, BucketKind},
    class::ObjectClass,
    guarding::Guarding,
    name::Names,
    walk::Step,
};

/// The name of the engine.
pub(crate) const ENGINE: &str = "object";

/// Its name where nothing outlives the process.
const ENGINE_IN_MEMORY: &str = "object-memory";

/// A system key may be longer. Beyond the head of a key the object holds it, so no
/// limit of the store's own names matters.
pub(crate) const KEY_BYTES_MAX: usize = 2_048;

/// A value is in memory as a whole. S3 takes up to 5 GiB in one request.
const VALUE_BYTES_MAX: usize = 512 << 20;
const BATCH_BYTES_MAX: usize = VALUE_BYTES_MAX + (1 << 20);

/// All of a batch is about one key.
const BATCH_OPERATIONS_MAX: usize = 64;

/// Objects as an engine across a network.
pub struct ObjectEngine {
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) names: Names,
    pub(crate) guarding: Guarding,
    pub(crate) storage_classes: Vec<ObjectClass>,
    pub(crate) reads: ReadSupport,
    pub(crate) durability: Durability,
    pub(crate) requests_at_once: usize,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) limits: Limits,
    pub(crate) location: String,
    /// Whose directory it is, where it is one.
    pub(crate) directory: Option<Arc<StoreDirectory>>,
}

/// Object stores have no snapshots, so there is none of these.
#[derive(Debug)]
pub enum ObjectSnapshot {}

impl EngineRead for ObjectEngine {
    async fn get_many(
        &self,
        keys: &[OwnedKey],
        _: Option<Consistency>,
        deadline: Instant,
    ) -> Result<Vec<Option<Entry>>> {
        Box::pin(self.get_all(keys, deadline)).await
    }

    async fn scan(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Page> {
        Box::pin(self.page(range, options, now, deadline)).await
    }
}

impl Engine for ObjectEngine {
    type Snapshot = ObjectSnapshot;

    fn describe(&self) -> Description {
        let engine = match self.bucket.kind {
            BucketKind::Server(_) | BucketKind::Directory(_) => ENGINE,
            BucketKind::Memory => ENGINE_IN_MEMORY,
        };
        Description::of_engine(engine, &self.location)
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::least();
        capabilities.batch = BatchScope::Key;
        capabilities.batch_operations_max = BATCH_OPERATIONS_MAX;
        capabilities.batch_bytes_max = BATCH_BYTES_MAX;
        capabilities.guards = match self.guarding {
            Guarding::Requests | Guarding::Locks(_) => Support::Supported,
            Guarding::None { .. } => Support::Unsupported,
        };
        capabilities.range_deletes = Support::Unsupported;
        capabilities.expiry = Support::Supported;
        capabilities.snapshots = SnapshotSupport::Unsupported;
        capabilities.scan_order = ScanOrder::Ordered;
        capabilities.reads = self.reads;
        capabilities.durability_min = Durability::Volatile;
        capabilities.durability_max = self.durability;
        // Each commit is as durable as it gets when it is answered.
        capabilities.crash_order = match self.durability {
            Durability::Synced => CrashOrder::Suffix,
            Durability::Volatile | Durability::Buffered => CrashOrder::Any,
        };
        capabilities.sequence = SequenceScope::Unsupported;
        capabilities.key_bytes_max = KEY_BYTES_MAX;
        capabilities.value_bytes_max = VALUE_BYTES_MAX;
        capabilities
    }

    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    fn buffered_as(&self) -> Durability {
        self.durability
    }

    async fn sequence(&self, _: Instant) -> Result<Option<Sequence>> {
        Ok(None)
    }

    async fn commit(
        &self,
        group: &[WriteBatch],
        _: Durability,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Vec<Result<Committed>>> {
        // The lanes make no groups: each commit has requests of its own.
        let commits = stream::iter(group).then(|batch| self.commit_one(batch, now, deadline));
        Ok(commits.collect().await)
    }

    async fn snapshot(&self, _: Instant) -> Result<(ObjectSnapshot, Option<Sequence>)> {
        Err(Error::new(
            ErrorKind::Unsupported,
            "object stores have no snapshots",
        ))
    }

    async fn stats(&self, _: Instant) -> Result<Stats> {
        let guards = matches!(self.guarding, Guarding::Requests | Guarding::Locks(_));
        let idle = self.bucket.permits.available_permits();
        let under_way = self.requests_at_once.saturating_sub(idle);
        Ok(Stats::default()
            .with("conditions_honoured", u64::from(guards), Unit::Count)
            .with("requests_under_way", count(under_way), Unit::Count)
            .with(
                "requests_at_once",
                count(self.requests_at_once),
                Unit::Count,
            ))
    }

    async fn health(&self, deadline: Instant) -> Result<Health> {
        let mut health = Health::default();
        if let Guarding::None { reason } = &self.guarding {
            health = health.with("no_guards", reason.clone());
        }
        let marker = self.names.marker();
        match Box::pin(self.get_repeatedly(&marker, None, deadline)).await {
            Ok(Some(_)) => Ok(health),
            Ok(None) => Ok(health.with(
                "marker_missing",
                format!("{marker} is gone; others may take the objects for nobody's"),
            )),
            Err(error) => Ok(health.with("unreachable", error.to_string())),
        }
    }

    async fn check(&self) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        for space in [Space::User, Space::System] {
            let prefix = self.names.space(space);
            let mut foreign = Vec::new();
            let mut visit = |object: object_store::ObjectMeta| {
                if self.names.slot(space, &object.location).is_none() {
                    foreign.push(object.location.to_string());
                }
                Step::More
            };
            self.bucket.walk(&prefix, None, far(), &mut visit).await?;
            for name in foreign {
                let told = "no store gives an object such a name; remove it";
                report.damages.push(Damage::new(name, told));
            }
        }
        Ok(report)
    }

    async fn close(&self, _: Instant) -> Result<()> {
        Ok(())
    }
}

/// A check takes as long as it takes.
fn far() -> Instant {
    Instant::now() + std::time::Duration::from_hours(24 * 365)
}

impl EngineRead for ObjectSnapshot {
    async fn get_many(
        &self,
        _: &[OwnedKey],
        _: Option<Consistency>,
        _: Instant,
    ) -> Result<Vec<Option<Entry>>> {
        match *self {}
    }

    async fn scan(&self, _: &KeyRange, _: &ScanOptions, _: Timestamp, _: Instant) -> Result<Page> {
        match *self {}
    }
}

impl fmt::Debug for ObjectEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectEngine")
            .field("location", &self.location)
            .field("guarding", &self.guarding)
            .finish_non_exhaustive()
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// What the adapter keeps to: a lane for each request, and no groups.
pub(crate) fn limits(requests_at_once: NonZeroUsize) -> Limits {
    Limits::new()
        .reads_at_once(requests_at_once)
        .commits_at_once(requests_at_once)
        .keys_at_once_max(requests_at_once)
        .group_operations_max(1)
}
