//! Figures, health, and what a check finds.

use crate::sqlx::{self, AssertSqlSafe, PgConnection, Row};
use storage_core::{CheckReport, Damage, Health, Result, Stats, Unit};
use tokio::time::Instant;

use crate::{
    PgEngine,
    error::found_damage,
    pool::Repeat,
    session::{Session, within},
    vigil,
};

/// So many dead rows are worth a vacuum, if they are this part of all.
const DEAD_ROWS_MIN: i64 = 100_000;
const DEAD_PERMILLE_MIN: i64 = 500;

/// Transactions that a table may be old before the server warns of wraparound.
const AGE_MAX: i64 = 1_500_000_000;

/// The tables that entries are in.
macro_rules! tables {
    ($columns:literal, $joined:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM pg_class c ",
            $joined,
            " WHERE c.oid IN (SELECT 'entries'::regclass UNION ALL \
             SELECT inhrelid FROM pg_inherits WHERE inhparent = 'entries'::regclass)"
        )
    };
}

impl PgEngine {
    pub(crate) async fn figures(&self, deadline: Instant) -> Result<Stats> {
        let mut repeat = Repeat::default();
        let tables = loop {
            let mut lease = self.pool.lend(deadline).await?;
            let read = lease.run(deadline, async |session| {
                Tables::of(&mut session.connection).await
            });
            if let Some(tables) = repeat.unless_stale(read.await, &lease) {
                break tables?;
            }
        };
        let idle = self.pool.idle_count() + self.committer.pool.idle_count();
        let mut stats = Stats::default();
        stats.entries_estimate = count(tables.rows);
        stats.disk_bytes = count(tables.total_bytes);
        Ok([
            ("table", tables.table_bytes, Unit::Bytes),
            ("indexes", tables.index_bytes, Unit::Bytes),
            ("live_rows", tables.live, Unit::Count),
            ("dead_rows", tables.dead, Unit::Count),
            ("cache_hits", tables.hit_permille, Unit::Thousandths),
            ("connections", tables.connections, Unit::Count),
            ("connections_max", tables.connections_max, Unit::Count),
        ]
        .into_iter()
        .fold(stats, |stats, (name, value, unit)| {
            stats.with(name, count(value).unwrap_or_default(), unit)
        })
        .with(
            "idle_sessions",
            u64::try_from(idle).unwrap_or(u64::MAX),
            Unit::Count,
        )
        .with(
            "snapshots",
            u64::try_from(self.snapshots_open()).unwrap_or(u64::MAX),
            Unit::Count,
        ))
    }

    pub(crate) async fn issues(&self, deadline: Instant) -> Result<Health> {
        let mut health = Health::default();
        let mut repeat = Repeat::default();
        let (tables, age, is_durable) = loop {
            let mut lease = match self.pool.lend(deadline).await {
                Ok(lease) => lease,
                Err(error) => return Ok(health.with("unreachable", error.to_string())),
            };
            let read = lease.run(deadline, async |session| {
                const AGE: &str = tables!("max(age(c.relfrozenxid))::bigint", "");
                const DURABLE: &str = "SELECT current_setting('fsync') = 'on' \
                    AND current_setting('full_page_writes') = 'on'";
                let connection = &mut session.connection;
                let tables = Tables::of(connection).await?;
                let age: Option<i64> = sqlx::query_scalar(AGE).fetch_one(&mut *connection).await?;
                let is_durable: bool = sqlx::query_scalar(DURABLE).fetch_one(connection).await?;
                Ok((tables, age.unwrap_or_default(), is_durable))
            });
            if let Some(read) = repeat.unless_stale(read.await, &lease) {
                break read?;
            }
        };
        if !is_durable {
            health = health.with(
                "not_durable",
                "the server runs with fsync or full_page_writes off: a loss of power may take anything; turn them on",
            );
        }
        if age > AGE_MAX {
            health = health.with(
                "wraparound",
                format!("the oldest row is {age} transactions old; vacuum the store, and end transactions that keep it from being frozen"),
            );
        }
        let rows = tables.live.saturating_add(tables.dead).max(1);
        if tables.dead >= DEAD_ROWS_MIN
            && tables.dead.saturating_mul(1_000) / rows >= DEAD_PERMILLE_MIN
        {
            health = health.with(
                "dead_rows",
                format!(
                    "{} of {rows} rows are dead; vacuum the store, and see that autovacuum runs and no old transaction is open",
                    tables.dead
                ),
            );
        }
        // A few are kept for administrators.
        if tables.connections.saturating_add(5) >= tables.connections_max {
            health = health.with(
                "connections",
                format!(
                    "{} of {} connections are in use; raise max_connections, or use fewer",
                    tables.connections, tables.connections_max
                ),
            );
        }
        Ok(health)
    }

    /// Compares the catalogue with what the store was made with, and lets the
    /// server look at the indexes, if it can.
    pub(crate) async fn check_structure(&self, deadline: Instant) -> Result<CheckReport> {
        let Session {
            mut connection,
            facts,
            ..
        } = self.connector.primary(deadline).await?;
        let connection = &mut connection;
        let mut found = within(deadline, columns(connection)).await?;
        if found.is_empty() {
            found = within(deadline, foreign_spaces(connection)).await?;
            let damaged = vigil::wait_for(&self.connector, &facts, damaged_indexes(connection));
            found.extend(damaged.await?);
        }
        let mut report = CheckReport::default();
        report.damages.extend(found);
        Ok(report)
    }
}

/// Columns that are not as the store made them.
async fn columns(connection: &mut PgConnection) -> sqlx::Result<Vec<Damage>> {
    const COLUMNS: &str = "\
SELECT attname || ' ' || format_type(atttypid, atttypmod)
FROM pg_attribute
WHERE attrelid = 'entries'::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum";
    const EXPECTED: [&str; 7] = [
        "space smallint",
        "key bytea",
        "value bytea",
        "expires bigint",
        "version bigint",
        "created_at timestamp with time zone",
        "updated_at timestamp with time zone",
    ];
    let found: Vec<String> = sqlx::query_scalar(COLUMNS).fetch_all(connection).await?;
    let is_there = |column: &&str| found.iter().any(|found| found == column);
    let missing = EXPECTED.iter().filter(|column| !is_there(column));
    Ok(missing
        .map(|column| Damage::new("entries", format!("the column `{column}` is missing")))
        .collect())
}

/// Rows that no read can find. A constraint would say it earlier, but costs each
/// commit some microseconds.
async fn foreign_spaces(connection: &mut PgConnection) -> sqlx::Result<Vec<Damage>> {
    const FOREIGN: &str = "SELECT EXISTS (SELECT FROM entries WHERE space < 0) \
        OR EXISTS (SELECT FROM entries WHERE space > 1)";
    let is_there: bool = sqlx::query_scalar(FOREIGN).fetch_one(connection).await?;
    let what = "there are rows in spaces other than 0 and 1, which this library did not write";
    Ok(is_there
        .then(|| Damage::new("entries", what))
        .into_iter()
        .collect())
}

/// What the extension `amcheck` finds, where the administrator has installed it
/// and the role may use it.
async fn damaged_indexes(connection: &mut PgConnection) -> sqlx::Result<Vec<Damage>> {
    // The schema of the extension is in no session's path.
    const FUNCTION: &str = "\
SELECT f.function FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace,
LATERAL (SELECT quote_ident(n.nspname) || '.bt_index_check' AS function) f
WHERE x.extname = 'amcheck' AND CASE
    WHEN has_schema_privilege(n.oid, 'usage')
    THEN has_function_privilege(to_regprocedure(f.function || '(regclass)'), 'execute')
END";
    const INDEXES: &str = tables!(
        "i.indexrelid::regclass::text",
        "JOIN pg_index i ON i.indrelid = c.oid AND i.indisvalid AND c.relkind = 'r'"
    );
    let no_limit = "SET statement_timeout = 0";
    sqlx::raw_sql(no_limit).execute(&mut *connection).await?;
    let function: Option<String> = sqlx::query_scalar(FUNCTION)
        .fetch_optional(&mut *connection)
        .await?;
    let indexes: Vec<String> = sqlx::query_scalar(INDEXES)
        .fetch_all(&mut *connection)
        .await?;
    let Some(function) = function else {
        return Ok(Vec::new());
    };
    let check = format!("SELECT {function}($1::text::regclass)");
    let mut damages = Vec::new();
    for index in indexes {
        let checked = sqlx::query(AssertSqlSafe(check.clone()));
        let checked = checked.bind(&index).execute(&mut *connection);
        let Err(error) = checked.await else {
            continue;
        };
        // Others say nothing about the index.
        match found_damage(&error) {
            Some(damage) => damages.push(Damage::new(index, damage)),
            None => return Err(error),
        }
    }
    Ok(damages)
}

/// The figures of the tables and of the server.
struct Tables {
    rows: i64,
    total_bytes: i64,
    table_bytes: i64,
    index_bytes: i64,
    live: i64,
    dead: i64,
    hit_permille: i64,
    connections: i64,
    connections_max: i64,
}

impl Tables {
    async fn of(connection: &mut PgConnection) -> sqlx::Result<Self> {
        const FIGURES: &str = tables!(
            "coalesce(sum(greatest(c.reltuples::bigint, s.n_live_tup, 0)) FILTER (WHERE c.relkind = 'r'), 0)::bigint, \
             sum(pg_total_relation_size(c.oid))::bigint, \
             sum(pg_table_size(c.oid))::bigint, \
             sum(pg_indexes_size(c.oid))::bigint, \
             coalesce(sum(s.n_live_tup), 0)::bigint, \
             coalesce(sum(s.n_dead_tup), 0)::bigint, \
             coalesce((1000 * sum(io.heap_blks_hit + io.idx_blks_hit) / nullif(sum(io.heap_blks_hit + \
             io.idx_blks_hit + io.heap_blks_read + io.idx_blks_read), 0))::bigint, 1000), \
             (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), \
             current_setting('max_connections')::bigint",
            "LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid \
             LEFT JOIN pg_statio_user_tables io ON io.relid = c.oid"
        );
        let row = sqlx::query(FIGURES).fetch_one(connection).await?;
        Ok(Self {
            rows: row.try_get(0)?,
            total_bytes: row.try_get(1)?,
            table_bytes: row.try_get(2)?,
            index_bytes: row.try_get(3)?,
            live: row.try_get(4)?,
            dead: row.try_get(5)?,
            hit_permille: row.try_get(6)?,
            connections: row.try_get(7)?,
            connections_max: row.try_get(8)?,
        })
    }
}

/// A column that counts something.
fn count(count: i64) -> Option<u64> {
    u64::try_from(count).ok()
}
