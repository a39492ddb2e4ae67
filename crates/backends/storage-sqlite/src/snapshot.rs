//! Snapshots: read transactions on connections of their own.
//!
//! SQLite keeps what a read transaction may look at by not overwriting the log
//! from there on, so a snapshot costs nothing but a log that grows. It lasts
//! until it is dropped, the store is closed, or it is older than the store was
//! told to let it become.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak},
    time::Duration,
};

use rusqlite::Connection;
use storage_core::{
    Clock, Direction, Entry, Error, ErrorKind, Item, Key, KeyRange, OwnedKey, Projection, Result,
    Timestamp, embedded::EngineRead,
};

use crate::{
    error::from_sqlite,
    read,
    readers::Readers,
    scan::{Items, Source},
};

/// When to try again where too many snapshots are open.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The snapshots of one store.
#[derive(Debug)]
pub(crate) struct Snapshots {
    open: Mutex<Vec<Weak<Shared>>>,
    max: usize,
    age_max: Option<Duration>,
    clock: Clock,
}

impl Snapshots {
    /// At most `max` at once, none of them older than `age_max`.
    pub(crate) const fn new(max: usize, age_max: Option<Duration>, clock: Clock) -> Self {
        Self {
            open: Mutex::new(Vec::new()),
            max,
            age_max,
            clock,
        }
    }

    /// Takes a snapshot of the present state.
    ///
    /// # Errors
    /// `Throttled` if too many are open.
    pub(crate) fn take(&self, readers: &Arc<Readers>) -> Result<SqliteSnapshot> {
        let mut open = self.open();
        open.retain(|snapshot| snapshot.strong_count() > 0);
        if open.len() >= self.max {
            return Err(Error::new(
                ErrorKind::Throttled,
                format!(
                    "{} snapshots are open, which is as many as snapshots_max allows; drop some first",
                    open.len()
                ),
            )
            .with_retry_after(RETRY_AFTER));
        }
        let held = Held::begin(Arc::clone(readers))?;
        let taken = self.clock.now();
        let shared = Arc::new(Shared {
            held: Mutex::new(held),
            taken,
            ends: self.age_max.map(|age| taken.after(age)),
            clock: self.clock.clone(),
        });
        open.push(Arc::downgrade(&shared));
        Ok(SqliteSnapshot(shared))
    }

    /// Ends those that have become too old, so that the log can begin anew.
    /// Waits for reads of theirs.
    pub(crate) fn end_expired(&self) {
        for snapshot in self.live() {
            if snapshot.has_expired() {
                snapshot.lock().end();
            }
        }
    }

    /// How many there are that keep the log from beginning anew, and the age of
    /// the oldest.
    pub(crate) fn holding(&self) -> Option<(usize, Duration)> {
        let now = self.clock.now().as_unix_milliseconds();
        let live = self.live();
        let holding = live.iter().filter(|snapshot| !snapshot.has_expired());
        let taken = holding.map(|snapshot| snapshot.taken.as_unix_milliseconds());
        let (count, oldest) = taken.fold((0, u64::MAX), |(count, oldest), taken| {
            (count + 1, oldest.min(taken))
        });
        (count > 0).then(|| (count, Duration::from_millis(now.saturating_sub(oldest))))
    }

    fn live(&self) -> Vec<Arc<Shared>> {
        self.open().iter().filter_map(Weak::upgrade).collect()
    }

    fn open(&self) -> MutexGuard<'_, Vec<Weak<Shared>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A SQLite store as of one moment. Reads of one snapshot take turns: it has
/// one connection.
pub struct SqliteSnapshot(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    held: Mutex<Held>,
    taken: Timestamp,
    /// When it is too old.
    ends: Option<Timestamp>,
    clock: Clock,
}

impl Shared {
    fn has_expired(&self) -> bool {
        self.ends.is_some_and(|ends| self.clock.now() >= ends)
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, for one read, once other reads are done with it.
    fn read(&self) -> Result<MutexGuard<'_, Held>> {
        self.unless_expired(self.lock())
    }

    /// The connection, for one read, unless another read is at it.
    fn read_idle(&self) -> Option<Result<MutexGuard<'_, Held>>> {
        match self.held.try_lock() {
            Ok(held) => Some(self.unless_expired(held)),
            Err(TryLockError::Poisoned(poisoned)) => {
                Some(self.unless_expired(poisoned.into_inner()))
            }
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn unless_expired<'s>(&self, mut held: MutexGuard<'s, Held>) -> Result<MutexGuard<'s, Held>> {
        if self.has_expired() {
            held.end();
        }
        // It stays expired, whatever the clock says later.
        held.connection()?;
        Ok(held)
    }
}

/// A connection in a read transaction.
#[derive(Debug)]
pub(crate) struct Held {
    readers: Arc<Readers>,
    /// `None` once the transaction has ended.
    connection: Option<Connection>,
}

impl Held {
    fn begin(readers: Arc<Readers>) -> Result<Self> {
        let connection = readers.take()?;
        let begun = Self {
            readers,
            connection: Some(connection),
        };
        let connection = begun.connection()?;
        read::begin(connection)?;
        // The transaction sees the state of its first read.
        let mut first = connection
            .prepare_cached("SELECT generation FROM log")
            .map_err(from_sqlite)?;
        first
            .query_row([], |row| row.get::<_, i64>(0))
            .map_err(from_sqlite)?;
        drop(first);
        Ok(begun)
    }

    pub(crate) fn connection(&self) -> Result<&Connection> {
        self.connection.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::SnapshotExpired,
                "the snapshot is older than snapshot_age_max; take a new one",
            )
        })
    }

    fn end(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.readers.give_back(connection);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.end();
    }
}

impl EngineRead for SqliteSnapshot {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        read::get(self.0.read()?.connection()?, key)
    }

    fn get_many(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        read::get_many(self.0.read()?.connection()?, keys)
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        Items::begin(Source::Held(self.0.read()?), range, direction, projection)
    }

    fn get_cached(&self, key: Key<'_>) -> Option<Result<Option<Entry>>> {
        let held = self.0.read_idle()?;
        Some(held.and_then(|held| read::get(held.connection()?, key)))
    }

    fn get_many_cached(&self, keys: &[OwnedKey]) -> Option<Result<Vec<Option<Entry>>>> {
        let held = self.0.read_idle()?;
        Some(held.and_then(|held| read::get_many(held.connection()?, keys)))
    }

    fn scan_cached(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Option<Result<Item>>>> {
        let source = self.0.read_idle().transpose()?.map(Source::Held);
        Items::begin_if(source, range, direction, projection)
    }
}

impl fmt::Debug for SqliteSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSnapshot")
            .field("taken", &self.0.taken)
            .finish_non_exhaustive()
    }
}
