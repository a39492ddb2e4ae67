//! One session with a server: a connection, and what is known of its server.

use std::time::Duration;

use crate::sqlx::{self, AssertSqlSafe, PgConnection, Row, postgres::PgRow};
use storage_core::Result;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::{config::PgConfig, error::Failure, pool::Serves};

/// Of the time limit, this much in a hundred is for the server; the rest is for
/// the way there, and for finding out what became of a commit.
const SERVER_PERCENT: u32 = 80;

/// A connection, ready for use.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) connection: PgConnection,
    pub(crate) facts: Facts,
    /// How many commits were sent on it.
    pub(crate) attempts: i64,
    /// Up to where its server, a standby, is known to have replayed the log.
    pub(crate) replayed: Position,
    pub(crate) lot: Lot,
    pub(crate) opened: Instant,
    pub(crate) used: Instant,
}

/// Sessions that are given up together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lot {
    pub(crate) role: Serves,
    /// How often sessions of that role were given up before.
    pub(crate) epoch: u64,
}

/// What is known of a session and of its server.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Names the session in `outcomes`.
    pub(crate) id: Uuid,
    pub(crate) backend: Backend,
    pub(crate) role: ServerRole,
    /// How often the server's history has forked, as it knew for certain when the
    /// session began.
    pub(crate) timeline: i64,
    /// Whether what is synced survives a loss of power.
    pub(crate) is_durable: bool,
    pub(crate) version: i32,
}

/// A place in a log. Places in different histories cannot be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) timeline: i64,
    pub(crate) bytes: i64,
}

impl Position {
    /// Whether all that comes before `other` comes before this.
    pub(crate) fn includes(self, other: Self) -> bool {
        self.timeline == other.timeline && self.bytes >= other.bytes
    }
}

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerRole {
    /// It takes writes.
    Primary,
    /// It could, but is set not to.
    ReadOnly,
    /// It follows another.
    Standby,
}

/// The process that serves a session. A number alone may be given to another
/// process later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backend {
    pub(crate) pid: i32,
    /// Microseconds since 1970.
    pub(crate) started: i64,
}

impl Session {
    /// Prepares a new connection.
    pub(crate) async fn prepare(
        mut connection: PgConnection,
        lot: Lot,
        settings: &str,
        deadline: Instant,
    ) -> Result<Self, Failure> {
        const FACTS: &str = "\
SELECT pg_backend_pid(), (extract(epoch FROM backend_start) * 1000000)::bigint,
    gen_random_uuid(),
    pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
    CASE WHEN pg_is_in_recovery() THEN
        (SELECT timeline_id FROM pg_control_checkpoint())::bigint
    ELSE
        ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint
    END,
    current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on',
    current_setting('server_version_num')::integer
FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let prepared = async {
            sqlx::raw_sql(AssertSqlSafe(settings.to_owned()))
                .execute(&mut connection)
                .await?;
            let row = sqlx::query(FACTS)
                .persistent(false)
                .fetch_one(&mut connection)
                .await?;
            Facts::of(&row)
        };
        let facts = within(deadline, prepared).await?;
        let now = Instant::now();
        Ok(Self {
            connection,
            facts,
            attempts: 0,
            replayed: Position::default(),
            lot,
            opened: now,
            used: now,
        })
    }
}

impl Facts {
    fn of(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            backend: Backend {
                pid: row.try_get(0)?,
                started: row.try_get(1)?,
            },
            id: row.try_get(2)?,
            role: match (row.try_get(3)?, row.try_get(4)?) {
                (true, _) => ServerRole::Standby,
                (false, true) => ServerRole::ReadOnly,
                (false, false) => ServerRole::Primary,
            },
            timeline: row.try_get(5)?,
            is_durable: row.try_get(6)?,
            version: row.try_get(7)?,
        })
    }
}

/// What is set in each session, whatever the server and the role say.
///
/// Statements are planned once, without a look at the values, and look rows up
/// by the index: a plan made while a table was empty must not read all of it
/// when it is large. Each statement of the commit function sees the commits
/// before it, which takes `read committed`.
pub(crate) fn settings(config: &PgConfig) -> String {
    let server_time = milliseconds(config.time_limit * SERVER_PERCENT / 100);
    format!(
        "SET search_path = \"{}\", pg_temp;
SET statement_timeout = {server_time};
SET lock_timeout = {server_time};
SET idle_in_transaction_session_timeout = {};
SET default_transaction_isolation = 'read committed';
SET default_transaction_deferrable = off;
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET tcp_keepalives_idle = 15;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') IN ('off', 'local');",
        config.schema,
        milliseconds(config.snapshot_age_max.max(config.time_limit)).saturating_mul(2),
    )
}

fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// The answer of the server, if it comes in time.
pub(crate) async fn within<T>(
    deadline: Instant,
    answer: impl Future<Output = sqlx::Result<T>>,
) -> Result<T, Failure> {
    match timeout_at(deadline, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Failure::timed_out()),
    }
}
