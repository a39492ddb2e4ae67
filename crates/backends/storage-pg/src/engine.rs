//! The engine: PostgreSQL behind the trait that engines across a network
//! implement.

use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use storage_core::{
    Capabilities, CheckReport, Committed, Consistency, Description, Durability, Entry, Health,
    KeyRange, Maintenance, MaintenanceReport, OwnedKey, Page, Result, ScanOptions, Sequence,
    SnapshotSupport, Stats, Timestamp, WriteBatch,
    networked::{Engine, EngineRead, Limits, Reservation},
};
use tokio::{sync::Semaphore, time::Instant};

use crate::{
    PgConfig, PgSnapshot,
    commit::{COPIED_MAX, Committer},
    connect::{Connector, Settled},
    error::{Failure, corrupt},
    pool::{Lease, Pool, Repeat, Serves},
    read,
    replica::Replicas,
    scan, schema, sqlx,
};

/// The name of the engine.
const ENGINE: &str = "pg";

/// Rows of an index have up to 2,704 bytes; a system key is 256 bytes longer.
const KEY_BYTES_MAX: usize = 2_048;

/// PostgreSQL takes 1 GiB, but holds some copies of a value in memory while it
/// writes it.
const VALUE_BYTES_MAX: usize = 64 << 20;
const BATCH_BYTES_MAX: usize = 128 << 20;
const BATCH_OPERATIONS_MAX: usize = 1 << 16;

/// Enough for all who wait in most stores; more gain nothing.
const KEYS_AT_ONCE_MAX: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Statements on the server that are neither lanes nor snapshots: statistics,
/// the position of the log.
const SPARE_SESSIONS: usize = 2;

/// PostgreSQL as an engine across a network.
pub struct PgEngine {
    pub(crate) connector: Arc<Connector>,
    /// Sessions for all but commits, which have their own: whatever is read, they
    /// find one.
    pub(crate) pool: Arc<Pool>,
    pub(crate) time_limit: Duration,
    pub(crate) committer: Committer,
    replicas: Option<Replicas>,
    snapshots: Arc<Semaphore>,
    snapshots_max: usize,
    snapshot_age_max: Duration,
    durability_max: Durability,
    sequence: Sequence,
    limits: Limits,
    location: String,
}

impl PgEngine {
    pub(crate) async fn open(config: PgConfig) -> Result<Self> {
        let deadline = Instant::now() + config.time_limit;
        let connector = Arc::new(Connector::new(&config)?);
        let mut session = connector.primary(deadline).await?;
        let store = schema::prepare(&mut session, &config, deadline).await?;
        connector.settle(Settled {
            store,
            is_durable: session.facts.is_durable,
        });
        let durability_max = if session.facts.is_durable {
            Durability::Synced
        } else {
            Durability::Volatile
        };
        drop(session);
        let sessions = config.reads_at_once.get() + config.snapshots_max.get() + SPARE_SESSIONS;
        let pool = Pool::new(Arc::clone(&connector), Serves::Primary, sessions);
        let commits = config.commits_at_once.get();
        let commits = Pool::new(Arc::clone(&connector), Serves::Primary, commits);
        let replicas = connector.has_standbys().then(|| {
            let standbys = Pool::new(
                Arc::clone(&connector),
                Serves::Standby,
                config.reads_at_once.get(),
            );
            Replicas::new(standbys, Arc::clone(&pool))
        });
        let reservation = Reservation::up_to(COPIED_MAX);
        let sequence = last_sequence(&commits, &reservation, deadline).await?;
        Ok(Self {
            committer: Committer::new(commits, Arc::clone(&connector), sequence, reservation),
            replicas,
            snapshots: Arc::new(Semaphore::new(config.snapshots_max.get())),
            snapshots_max: config.snapshots_max.get(),
            snapshot_age_max: config.snapshot_age_max,
            durability_max,
            sequence,
            limits: Limits::new()
                .reads_at_once(config.reads_at_once)
                .commits_at_once(config.commits_at_once)
                .keys_at_once_max(KEYS_AT_ONCE_MAX)
                .queue_max(config.queue_max)
                .time_limit(config.time_limit),
            location: config.location(),
            time_limit: config.time_limit,
            connector,
            pool,
        })
    }

    pub(crate) fn snapshots_open(&self) -> usize {
        self.snapshots_max
            .saturating_sub(self.snapshots.available_permits())
    }

    /// A session for a read, and the pool it comes from.
    async fn lend(&self, consistency: Option<Consistency>, deadline: Instant) -> Result<Lease> {
        if let (Some(Consistency::Stale { at_most }), Some(replicas)) =
            (consistency, &self.replicas)
            && let Some(lease) = Box::pin(replicas.lend(at_most, deadline)).await
        {
            return Ok(lease);
        }
        self.pool.lend(deadline).await
    }

    /// The answer to a read, unless it is to be tried again: on a new session, or
    /// on the primary where a standby has failed.
    fn unless_again<T>(
        &self,
        repeat: &mut Repeat,
        read: Result<T, Failure>,
        lease: &Lease,
    ) -> Option<Result<T>> {
        match &self.replicas {
            Some(replicas) if read.is_err() && lease.is_with_standby() => {
                replicas.rest();
                None
            }
            _ => repeat.unless_stale(read, lease),
        }
    }
}

/// Until when to wait for the answer to a read: the primary is to have time left
/// where a standby does not answer.
fn answer_by(lease: &Lease, deadline: Instant) -> Instant {
    if lease.is_with_standby() {
        let left = deadline.saturating_duration_since(Instant::now());
        deadline - left / 2
    } else {
        deadline
    }
}

/// The last commit that a store knows of, or reserves numbers up to.
async fn last_sequence(
    pool: &Arc<Pool>,
    reservation: &Reservation,
    deadline: Instant,
) -> Result<Sequence> {
    let key = reservation.key();
    let mut lease = pool.lend(deadline).await?;
    let (last, reserved) = lease
        .run(deadline, async |session| {
            let connection = &mut session.connection;
            let last: i64 = sqlx::query_scalar("SELECT coalesce(max(last), 0) FROM outcomes")
                .fetch_one(&mut *connection)
                .await?;
            let reserved = read::get_many(connection, std::slice::from_ref(key)).await?;
            Ok((last, reserved))
        })
        .await?;
    let reserved = match reserved.into_iter().flatten().next() {
        None => Sequence::new(0),
        Some(entry) => reservation.read(entry.value()).ok_or_else(|| {
            corrupt("the reservation of commit sequences is damaged").with_key(key)
        })?,
    };
    Ok(reserved.max(Sequence::new(last.cast_unsigned())))
}

impl EngineRead for PgEngine {
    async fn get_many(
        &self,
        keys: &[OwnedKey],
        consistency: Option<Consistency>,
        deadline: Instant,
    ) -> Result<Vec<Option<Entry>>> {
        let mut repeat = Repeat::default();
        loop {
            let mut lease = self.lend(consistency, deadline).await?;
            let by = answer_by(&lease, deadline);
            let read = lease.run(by, async |session| {
                read::get_many(&mut session.connection, keys).await
            });
            let read = read.await;
            if let Some(answer) = self.unless_again(&mut repeat, read, &lease) {
                return answer;
            }
        }
    }

    async fn scan(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Page> {
        let mut repeat = Repeat::default();
        loop {
            let mut lease = self.lend(options.consistency, deadline).await?;
            let by = answer_by(&lease, deadline);
            let read = lease.run(by, async |session| {
                scan::page(&mut session.connection, range, options, now).await
            });
            let read = read.await;
            if let Some(answer) = self.unless_again(&mut repeat, read, &lease) {
                return answer;
            }
        }
    }
}

impl Engine for PgEngine {
    type Snapshot = PgSnapshot;

    fn describe(&self) -> Description {
        Description::of_engine(ENGINE, &self.location)
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::embedded();
        capabilities.batch_operations_max = BATCH_OPERATIONS_MAX;
        capabilities.batch_bytes_max = BATCH_BYTES_MAX;
        capabilities.snapshots = SnapshotSupport::Within(self.snapshot_age_max);
        capabilities.durability_min = Durability::Volatile;
        capabilities.durability_max = self.durability_max;
        capabilities.key_bytes_max = KEY_BYTES_MAX;
        capabilities.value_bytes_max = VALUE_BYTES_MAX;
        capabilities
    }

    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    fn buffered_as(&self) -> Durability {
        // A server that dies may have in its own memory what is not synced.
        Durability::Synced
    }

    async fn sequence(&self, _: Instant) -> Result<Option<Sequence>> {
        Ok(Some(self.sequence))
    }

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

    async fn snapshot(&self, deadline: Instant) -> Result<(PgSnapshot, Option<Sequence>)> {
        let taking = PgSnapshot::take(&self.pool, &self.snapshots, deadline);
        let (snapshot, sequence) = Box::pin(taking).await?;
        Ok((snapshot, Some(sequence)))
    }

    async fn stats(&self, deadline: Instant) -> Result<Stats> {
        Box::pin(self.figures(deadline)).await
    }

    async fn health(&self, deadline: Instant) -> Result<Health> {
        Box::pin(self.issues(deadline)).await
    }

    async fn check(&self) -> Result<CheckReport> {
        self.check_structure(Instant::now() + self.time_limit).await
    }

    async fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        self.upkeep(maintenance).await
    }

    async fn close(&self, _: Instant) -> Result<()> {
        self.committer.pool.close().await;
        self.pool.close().await;
        if let Some(replicas) = &self.replicas {
            replicas.close().await;
        }
        Ok(())
    }
}

impl fmt::Debug for PgEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgEngine")
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}
