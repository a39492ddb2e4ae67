//! Figures, health, and what a check finds.

use std::sync::atomic::Ordering;

use rusqlite::{Connection, Row};
use storage_core::{CheckReport, Damage, ErrorKind, Health, Result, Stats, Unit};

use crate::{
    SqliteEngine,
    connection::{DATABASE, MOVED},
    error::from_sqlite,
    read,
    upkeep::LARGE_LOG_TIMES,
};

/// So many free pages are worth giving back, if they are this part of all.
const FREE_PAGES_MIN: u64 = 4_096;
const FREE_PERMILLE_MIN: u64 = 250;

/// The most damages that one check names.
const DAMAGES_MAX: u32 = 100;

/// How well the pages of a database are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fragmentation {
    /// How many pages hold something.
    pub used_pages: u64,
    /// How many bytes of them hold nothing.
    pub unused_bytes: u64,
    /// How many of them do not follow, in the file, the page that comes before
    /// them in the order of keys.
    pub scattered_pages: u64,
}

impl SqliteEngine {
    /// Reads every page and says how well they are used. A
    /// [vacuum](storage_core::Maintenance::Vacuum) makes them as good as new.
    ///
    /// # Errors
    /// What SQLite reports.
    ///
    /// # Complexity
    /// Linear in the size of the database.
    pub fn fragmentation(&self) -> Result<Fragmentation> {
        const PAGES: &str = "SELECT count(*), ifnull(sum(unused), 0),
                ifnull(sum(pageno <> 1 + previous AND previous IS NOT NULL), 0)
            FROM (SELECT pageno, unused, lag(pageno) OVER (PARTITION BY name ORDER BY path) AS previous
                FROM dbstat)";
        let lease = self.readers.lease()?;
        let figures = lease.connection()?.query_row(PAGES, [], |row| {
            Ok(Fragmentation {
                used_pages: count(row, 0)?,
                unused_bytes: count(row, 1)?,
                scattered_pages: count(row, 2)?,
            })
        });
        figures.map_err(from_sqlite)
    }

    pub(crate) fn figures(&self) -> Result<Stats> {
        let lease = self.readers.lease()?;
        let pages = read::at_once(lease.connection()?, |connection| {
            Pages::of(connection).map_err(from_sqlite)
        })?;
        drop(lease);
        let mut stats = Stats::default();
        stats.entries_estimate = pages.entries_estimate;
        stats.disk_bytes = Some(self.disk_bytes()?);
        let idle = self.readers.idle_count();
        let snapshots = self.snapshots.holding().map_or(0, |(count, _)| count);
        Ok(stats
            .with("page_size", pages.size_bytes, Unit::Bytes)
            .with("pages", pages.count, Unit::Count)
            .with("free_pages", pages.free, Unit::Count)
            .with(
                "free",
                pages.free.saturating_mul(pages.size_bytes),
                Unit::Bytes,
            )
            .with("free_permille", pages.free_permille(), Unit::Thousandths)
            .with("log", self.log_bytes()?, Unit::Bytes)
            .with("log_frames", self.log.frame_count().into(), Unit::Count)
            .with("idle_readers", length(idle), Unit::Count)
            .with("snapshots", length(snapshots), Unit::Count))
    }

    pub(crate) fn issues(&self) -> Result<Health> {
        let mut health = Health::default();
        if let Err(error) = self.log.check() {
            health = health.with("poisoned", error.message());
        }
        if self.readers.has_moved() {
            return Ok(health.with("moved", MOVED));
        }
        if self.is_locked_out.load(Ordering::Acquire) {
            health = health.with(
                "write_lock",
                "the last commit was refused because another process holds the write lock; end its transaction",
            );
        }
        if let Some(failure) = self.checkpoint_failure().as_ref() {
            health = health.with(
                "checkpoint",
                format!("the log could not be written to the database, and grows: {failure}"),
            );
        }
        let lease = self.readers.lease()?;
        let pages = Pages::of(lease.connection()?).map_err(from_sqlite)?;
        drop(lease);
        health = self.judge_log(health);
        if pages.free >= FREE_PAGES_MIN && pages.free_permille() >= FREE_PERMILLE_MIN {
            health = health.with(
                "free_pages",
                format!(
                    "{} of {} pages are free; compact the store to give them back",
                    pages.free, pages.count
                ),
            );
        }
        Ok(health)
    }

    fn judge_log(&self, health: Health) -> Health {
        let frames = self.log.frame_count();
        if frames < self.log.frames_max().saturating_mul(LARGE_LOG_TIMES) {
            return health;
        }
        let cause = match self.snapshots.holding() {
            Some((count, oldest)) => format!(
                "{count} snapshots keep it from beginning anew, the oldest for {} s; drop them, or set snapshot_age_max",
                oldest.as_secs()
            ),
            None => "perhaps another process reads the database in a long transaction; end it, or compact the store".into(),
        };
        health.with(
            "large_log",
            format!("the log has grown to {frames} pages: {cause}"),
        )
    }

    /// Lets SQLite look at every page. What it cannot see, the checksums of the
    /// rows tell.
    pub(crate) fn check_structure(&self) -> Result<CheckReport> {
        let lease = self.readers.lease()?;
        let mut report = CheckReport::default();
        let found = read::at_once(lease.connection()?, damages)?;
        let damages = found.into_iter().map(|what| Damage::new(DATABASE, what));
        report.damages.extend(damages);
        Ok(report)
    }
}

/// What is wrong with the pages, and which values belong to no row.
///
/// # Errors
/// What SQLite reports, unless it is damage.
pub(crate) fn damages(connection: &Connection) -> Result<Vec<String>> {
    let integrity = format!("PRAGMA integrity_check({DAMAGES_MAX})");
    let stray = format!(
        "SELECT 'large value ' || id || ' belongs to no entry' FROM large_values
         WHERE id NOT IN (SELECT large FROM entries WHERE large IS NOT NULL) LIMIT {DAMAGES_MAX}"
    );
    let mut damages = Vec::new();
    for query in [integrity, stray] {
        match lines(connection, &query).map_err(from_sqlite) {
            Ok(found) => damages.extend(found.into_iter().filter(|line| line != "ok")),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                damages.push(error.message().to_owned());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(damages)
}

fn lines(connection: &Connection, query: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(query)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

/// The figures that the header of the database holds.
struct Pages {
    size_bytes: u64,
    count: u64,
    free: u64,
    /// As of the last `ANALYZE`.
    entries_estimate: Option<u64>,
}

impl Pages {
    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let pragma = |name| connection.pragma_query_value(None, name, |row| count(row, 0));
        Ok(Self {
            size_bytes: pragma("page_size")?,
            count: pragma("page_count")?,
            free: pragma("freelist_count")?,
            entries_estimate: analyzed_entries(connection)?,
        })
    }

    fn free_permille(&self) -> u64 {
        self.free.saturating_mul(1_000) / self.count.max(1)
    }
}

/// How many entries there were when the store was last analyzed.
fn analyzed_entries(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    let was_analyzed: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1')",
        [],
        |row| row.get(0),
    )?;
    if !was_analyzed {
        return Ok(None);
    }
    let mut found = lines(
        connection,
        "SELECT stat FROM sqlite_stat1 WHERE tbl = 'entries' LIMIT 1",
    )?;
    let statistic = found.pop().unwrap_or_default();
    Ok(statistic
        .split(' ')
        .next()
        .and_then(|entries| entries.parse().ok()))
}

/// A column that counts something.
fn count(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    let count: i64 = row.get(index)?;
    u64::try_from(count).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, count))
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
