//! The engine: Redis behind the trait that engines across a network implement.

use std::{fmt, num::NonZeroUsize, time::Duration};

use storage_core::{
    Capabilities, CheckReport, Committed, Components, Consistency, CrashOrder, Description,
    Durability, Entry, Error, ErrorKind, Health, KeyRange, Maintenance, MaintenanceReport,
    OwnedKey, Page, ReadSupport, Result, ScanOptions, Sequence, SnapshotSupport, Stats, Timestamp,
    WriteBatch,
    networked::{Engine, EngineRead, Limits},
};
use tokio::time::{Instant, timeout_at};

use crate::{
    Eviction, NoSnapshot, RedisConfig,
    commit::Committer,
    connect::Connector,
    error::{Failure, FailureKind, timed_out},
    open,
    pool::{Origin, Pool},
    read, scan,
    script::Keys,
    session::Question,
};

/// The name of the engine.
const ENGINE: &str = "redis";

/// What is portable and some more: a key is in memory twice.
const KEY_BYTES_MAX: usize = 4_096;

/// Redis takes 512 MiB, but copies a value several times while a script has it,
/// and does nothing else meanwhile.
const VALUE_BYTES_MAX: usize = 32 << 20;
const BATCH_BYTES_MAX: usize = 64 << 20;
const BATCH_OPERATIONS_MAX: usize = 1 << 14;

/// Enough for all who wait in most stores; more gain nothing.
const KEYS_AT_ONCE_MAX: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Sessions that are no lanes: for statistics and upkeep.
const SPARE_SESSIONS: usize = 2;

/// Redis as an engine across a network.
pub struct RedisEngine {
    pub(crate) pool: Pool,
    pub(crate) committer: Committer,
    pub(crate) time_limit: Duration,
    pub(crate) durability_max: Durability,
    crash_order: CrashOrder,
    reads: ReadSupport,
    sequence: Sequence,
    limits: Limits,
    location: String,
}

impl RedisEngine {
    pub(crate) async fn open(config: RedisConfig, components: &Components) -> Result<Self> {
        let deadline = Instant::now() + config.time_limit;
        let connector = Connector::new(&config)?;
        let mut session = match timeout_at(deadline, connector.connect()).await {
            Ok(session) => session?,
            Err(_) => return Err(timed_out("no connection was made in time")),
        };
        let keys = connector.keys.clone();
        let header = open::prepare(&mut session, &keys, &config, components, deadline).await?;
        connector.settle(header.store);
        let lanes = config
            .reads_at_once
            .saturating_add(config.commits_at_once.get());
        let pool = Pool::new(connector, lanes.get() + SPARE_SESSIONS)?;
        Ok(Self {
            committer: Committer::new(
                pool.clone(),
                header.last,
                config.range_entries_max,
                config.wait_replicas,
            ),
            pool,
            durability_max: session.facts.persistence.durability_max(),
            // All of an evicted store goes at once, and what is written behind is not.
            crash_order: match config.eviction {
                Eviction::Refused => CrashOrder::Suffix,
                Eviction::Allowed => CrashOrder::Any,
            },
            // A master that was replaced answers until it learns of it.
            reads: match config.sentinel {
                None => ReadSupport::Linearizable,
                Some(_) => ReadSupport::Eventual,
            },
            sequence: header.last,
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

    pub(crate) fn keys(&self) -> &Keys {
        &self.pool.connector().keys
    }

    /// Asks a question, a second time if the first was on an old session whose
    /// server has gone or takes no writes any more.
    pub(crate) async fn ask<Q: Question>(
        &self,
        question: Q,
        deadline: Instant,
    ) -> Result<Q::Answer> {
        let mut is_repeated = false;
        loop {
            let mut lease = self.pool.lend(deadline).await?;
            let asked = lease.run(deadline, async |session| question.ask(session).await);
            match asked.await {
                Err(failure)
                    if !is_repeated && lease.origin == Origin::Kept && is_stale(&failure) =>
                {
                    is_repeated = true;
                    self.pool.forget();
                }
                answer => return answer.map_err(Into::into),
            }
        }
    }
}

/// Whether a session has ended without its fault.
const fn is_stale(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Lost | FailureKind::ReadOnly)
}

impl EngineRead for RedisEngine {
    async fn get_many(
        &self,
        keys: &[OwnedKey],
        _: Option<Consistency>,
        deadline: Instant,
    ) -> Result<Vec<Option<Entry>>> {
        let values = read::Values {
            entries: &self.keys().entries,
            keys,
        };
        read::entries(keys, self.ask(values, deadline).await?)
    }

    async fn scan(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Page> {
        let page = scan::OnePage {
            keys: self.keys(),
            range,
            options,
            now,
        };
        scan::page(self.ask(page, deadline).await?, range, options)
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
        self.committer
            .commit(group, durability, now, deadline)
            .await
    }

    fn describe(&self) -> Description {
        Description::of_engine(ENGINE, &self.location)
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::embedded();
        capabilities.batch_operations_max = BATCH_OPERATIONS_MAX;
        capabilities.batch_bytes_max = BATCH_BYTES_MAX;
        capabilities.snapshots = SnapshotSupport::Unsupported;
        capabilities.durability_min = Durability::Volatile;
        capabilities.durability_max = self.durability_max;
        capabilities.crash_order = self.crash_order;
        capabilities.reads = self.reads;
        capabilities.key_bytes_max = KEY_BYTES_MAX;
        capabilities.value_bytes_max = VALUE_BYTES_MAX;
        capabilities
    }

    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    fn buffered_as(&self) -> Durability {
        // What is synced later is in the server's own memory until then.
        Durability::Synced
    }

    async fn sequence(&self, _: Instant) -> Result<Option<Sequence>> {
        Ok(Some(self.sequence))
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
        self.pool.close();
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
