//! The engine: Redis behind the trait that engines across a network implement.

use std::{fmt, num::NonZeroUsize, time::Duration};

use futures_util::future::join_all;
use storage_core::{
    BatchScope, Capabilities, CheckReport, Committed, Components, Consistency, CrashOrder,
    Description, Durability, Entry, Error, ErrorKind, Health, KeyRange, Maintenance,
    MaintenanceReport, OwnedKey, Page, ReadSupport, Result, ScanOptions, Sequence, SequenceScope,
    SnapshotSupport, Stats, Support, Timestamp, WriteBatch,
    networked::{Engine, EngineRead, Limits, Partitions},
};
use tokio::time::Instant;

use crate::{
    Eviction, NoSnapshot, RedisConfig, cluster::partition_of, connect::Connector,
    partition::Partition, read, scan, spread,
};

/// The name of the engine, and of the one that spreads a store over a cluster.
const ENGINE: &str = "redis";
const CLUSTER_ENGINE: &str = "redis-cluster";

/// What is portable and some more: a key is in memory twice.
const KEY_BYTES_MAX: usize = 4_096;

/// Redis takes 512 MiB, but copies a value several times while a script has it,
/// and does nothing else meanwhile.
const VALUE_BYTES_MAX: usize = 32 << 20;
const BATCH_BYTES_MAX: usize = 64 << 20;
const BATCH_OPERATIONS_MAX: usize = 1 << 14;

/// Enough for all who wait in most stores; more gain nothing.
const KEYS_AT_ONCE_MAX: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Redis as an engine across a network.
pub struct RedisEngine {
    /// INVARIANT: there is one, or several in a cluster.
    pub(crate) partitions: Vec<Partition>,
    pub(crate) time_limit: Duration,
    pub(crate) durability_max: Durability,
    engine: &'static str,
    capabilities: Capabilities,
    limits: Limits,
    location: String,
}

impl RedisEngine {
    pub(crate) async fn open(config: RedisConfig, components: &Components) -> Result<Self> {
        let deadline = Instant::now() + config.time_limit;
        let partitions = match &config.cluster {
            None => {
                let connector = Connector::new(&config)?;
                let opened = Partition::open(connector, &config, None, components, deadline);
                vec![opened.await?.0]
            }
            Some(cluster) => {
                spread::open_all(&config, cluster.partitions, components, deadline).await?
            }
        };
        // All of them, or less.
        let durable = partitions.iter().map(|partition| partition.durability_max);
        let durability_max = durable.min().unwrap_or(Durability::Volatile);
        Ok(Self {
            engine: match config.cluster {
                None => ENGINE,
                Some(_) => CLUSTER_ENGINE,
            },
            capabilities: capabilities(&config, partitions.len(), durability_max),
            partitions,
            durability_max,
            limits: Limits::new()
                .reads_at_once(config.reads_at_once)
                .commits_at_once(config.commits_at_once)
                .keys_at_once_max(KEYS_AT_ONCE_MAX)
                .queue_max(config.queue_max)
                .time_limit(config.time_limit),
            location: config.location(),
            time_limit: config.time_limit,
        })
    }

    /// The only partition, if there is one.
    fn whole(&self) -> Option<&Partition> {
        match &self.partitions[..] {
            [partition] => Some(partition),
            _ => None,
        }
    }
}

fn capabilities(
    config: &RedisConfig,
    partitions: usize,
    durability_max: Durability,
) -> Capabilities {
    let mut capabilities = Capabilities::embedded();
    capabilities.batch_operations_max = BATCH_OPERATIONS_MAX;
    capabilities.batch_bytes_max = BATCH_BYTES_MAX;
    capabilities.snapshots = SnapshotSupport::Unsupported;
    capabilities.durability_min = Durability::Volatile;
    capabilities.durability_max = durability_max;
    capabilities.key_bytes_max = KEY_BYTES_MAX;
    capabilities.value_bytes_max = VALUE_BYTES_MAX;
    // What was evicted is gone, and what is written behind it is not.
    if config.eviction == Eviction::Allowed {
        capabilities.crash_order = CrashOrder::Any;
    }
    // A master that was replaced answers until it learns of it.
    if config.sentinel.is_some() || config.cluster.is_some() {
        capabilities.reads = ReadSupport::Eventual;
    }
    // Partitions know nothing of each other.
    if config.cluster.is_some() {
        if partitions > 1 {
            capabilities.batch = BatchScope::Partition;
        }
        capabilities.range_deletes = Support::Unsupported;
        capabilities.sequence = SequenceScope::Unsupported;
        capabilities.crash_order = CrashOrder::Any;
    }
    capabilities
}

impl EngineRead for RedisEngine {
    async fn get_many(
        &self,
        keys: &[OwnedKey],
        _: Option<Consistency>,
        deadline: Instant,
    ) -> Result<Vec<Option<Entry>>> {
        let partition = self.partition_of_keys(keys)?;
        read::get_many(partition, keys, deadline).await
    }

    async fn scan(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Page> {
        let calls = self.partitions.iter().map(|partition| async move {
            let page = scan::OnePage {
                keys: partition.keys(),
                range,
                options,
                now,
            };
            let answer = partition.ask(&page, deadline).await?;
            scan::part(answer, range, options.projection)
        });
        let parts: Result<Vec<_>> = join_all(calls).await.into_iter().collect();
        Ok(scan::page(parts?, range, options))
    }
}

impl Engine for RedisEngine {
    type Snapshot = NoSnapshot;

    async fn commit(
        &self,
        group: &[WriteBatch],
        durability: Durability,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Vec<Result<Committed>>> {
        let partition = self.partition_of_group(group)?;
        let group: Vec<_> = group.iter().collect();
        let committing = partition
            .committer
            .commit(&group, durability, now, deadline);
        let mut answers = committing.await?;
        if self.capabilities.sequence == SequenceScope::Unsupported {
            // Numbers of one partition say nothing of the others.
            for committed in answers.iter_mut().flatten() {
                committed.sequence = None;
            }
        }
        Ok(answers)
    }

    fn describe(&self) -> Description {
        Description::of_engine(self.engine, &self.location)
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    fn partitions(&self) -> Partitions {
        let count = NonZeroUsize::new(self.partitions.len()).unwrap_or(NonZeroUsize::MIN);
        Partitions::new(count, |key, count| partition_of(key, count.get()))
    }

    fn buffered_as(&self) -> Durability {
        // What is synced later is in the server's own memory until then.
        Durability::Synced
    }

    async fn sequence(&self, _: Instant) -> Result<Option<Sequence>> {
        Ok(self.whole().map(|partition| partition.last))
    }

    async fn snapshot(&self, _: Instant) -> Result<(NoSnapshot, Option<Sequence>)> {
        Err(Error::new(ErrorKind::Unsupported, "Redis has no snapshots"))
    }

    async fn stats(&self, deadline: Instant) -> Result<Stats> {
        Box::pin(self.figures(deadline)).await
    }

    async fn health(&self, deadline: Instant) -> Result<Health> {
        Box::pin(self.issues(deadline)).await
    }

    async fn check(&self) -> Result<CheckReport> {
        Box::pin(self.check_index()).await
    }

    async fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        match maintenance {
            Maintenance::Flush => Box::pin(self.flush()).await,
            other => Err(Error::new(
                ErrorKind::Unsupported,
                format!("Redis has no {other:?} maintenance; it does what is to be done by itself"),
            )),
        }
    }

    async fn close(&self, _: Instant) -> Result<()> {
        for partition in &self.partitions {
            partition.pool.close();
        }
        Ok(())
    }
}

impl fmt::Debug for RedisEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisEngine")
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}
