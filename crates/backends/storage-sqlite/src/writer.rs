//! The one connection that writes.

use std::time::Duration;

use rusqlite::{CachedStatement, Connection, config::DbConfig, hooks::Wal, params};
use storage_core::{Key, KeyRange, Put, embedded::Change};

use crate::{
    failure::Failure,
    read::Bounds,
    row::{checksum, expires_column, space_column},
};

const PUT: &str = "REPLACE INTO entries VALUES(?1,?2,?3,?4,NULL,?5)";
const PUT_LARGE: &str = "REPLACE INTO entries VALUES(?1,?2,?3,?4,?5,NULL)";
const INSERT_LARGE: &str = "INSERT INTO large_values(value) VALUES(?1)";
const DELETE: &str = "DELETE FROM entries WHERE space=?1 AND key=?2";
const FREE_LARGE: &str =
    "DELETE FROM large_values WHERE id=(SELECT large FROM entries WHERE space=?1 AND key=?2)";
const NOTE_GENERATION: &str = "UPDATE log SET generation=?1";

/// A number that moves when another connection has committed.
const DATA_VERSION: &str = "PRAGMA data_version";

/// What a range delete removes: up to an end, or to the end of the space.
macro_rules! in_range {
    (bounded) => {
        "space=?1 AND key>=?2 AND key<?3"
    };
    (unbounded) => {
        "space=?1 AND key>=?2"
    };
}

macro_rules! free_large_in {
    ($end:ident) => {
        concat!(
            "DELETE FROM large_values WHERE id IN (SELECT large FROM entries WHERE ",
            in_range!($end),
            " AND large IS NOT NULL)"
        )
    };
}

macro_rules! delete_in {
    ($end:ident) => {
        concat!("DELETE FROM entries WHERE ", in_range!($end))
    };
}

/// Applies changes.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: Connection,
    /// How long the connection waits for a lock.
    busy_timeout: Duration,
    /// Keys and values that have more bytes together are kept apart.
    inline_bytes_max: usize,
    /// Whether there may be values that are kept apart.
    may_have_large: bool,
    generation: i64,
    /// The generation of the log that the next commit begins.
    next_generation: Option<i64>,
    /// What [`DATA_VERSION`] was when this connection last looked.
    data_version: i64,
    /// Whether a failure left the connection in a state that nobody knows.
    is_broken: bool,
}

impl Writer {
    /// Writes through `connection`, to a database whose log is of `generation`.
    pub(crate) fn new(connection: Connection, generation: i64) -> rusqlite::Result<Self> {
        let page_bytes: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let may_have_large =
            connection.query_row("SELECT EXISTS (SELECT 1 FROM large_values)", [], |row| {
                row.get(0)
            })?;
        let data_version = connection.query_row(DATA_VERSION, [], |row| row.get(0))?;
        let busy_timeout = Duration::ZERO;
        connection.busy_timeout(busy_timeout)?;
        Ok(Self {
            connection,
            busy_timeout,
            inline_bytes_max: usize::try_from(page_bytes / 8).unwrap_or(usize::MAX),
            may_have_large,
            generation,
            next_generation: None,
            data_version,
            is_broken: false,
        })
    }

    /// The connection, for what is no commit.
    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Calls `note` with the number of frames in the log after each commit.
    pub(crate) fn when_committed(
        &mut self,
        note: impl Fn(u32) + Send + 'static,
    ) -> rusqlite::Result<()> {
        self.connection.wal_hook(Some(move |_: &mut Wal, frames| {
            note(u32::try_from(frames).unwrap_or(0));
            Ok(())
        }))
    }

    /// Lets the connection write the log to the database and remove it when it
    /// is closed, if it is the last.
    pub(crate) fn let_close_cleanly(&self) {
        // If not, the next open recovers the log.
        let _ = self
            .connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
    }

    /// The generation of the log that the last commit was part of.
    pub(crate) const fn generation(&self) -> i64 {
        self.generation
    }

    /// Lets the next commit begin a generation of the log.
    pub(crate) fn begin_generation(&mut self) {
        self.begin_generation_behind(0);
    }

    /// Lets the next commit begin a generation of the log behind `generation`
    /// and all earlier ones.
    pub(crate) fn begin_generation_behind(&mut self, generation: i64) {
        let last = generation.max(self.generation);
        self.next_generation = Some(last.saturating_add(1));
    }

    /// Lets the connection wait for locks of other processes.
    pub(crate) fn wait_for_locks(&mut self, busy_timeout: Duration) -> rusqlite::Result<()> {
        if self.busy_timeout != busy_timeout {
            self.connection.busy_timeout(busy_timeout)?;
            self.busy_timeout = busy_timeout;
        }
        Ok(())
    }

    /// Whether no further commit may be tried.
    pub(crate) const fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Applies changes in order, all of them or none, unless another process has
    /// committed since the last call: what the caller found in the database
    /// before may no longer be so.
    pub(crate) fn apply(&mut self, changes: &[Change]) -> Result<(), Failure> {
        self.commit(|writer| {
            writer.see_that_nobody_wrote()?;
            let applied = changes.iter().try_for_each(|change| writer.change(change));
            applied.map_err(Failure::before_commit)
        })
    }

    /// Notes the generation that is to begin, if one is.
    pub(crate) fn note_generation(&mut self) -> Result<(), Failure> {
        self.commit(|_| Ok(()))
    }

    fn commit(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.run("BEGIN IMMEDIATE")
            .map_err(Failure::before_commit)?;
        let committed = work(self)
            .and_then(|()| self.begin_next().map_err(Failure::before_commit))
            .and_then(|()| self.run("COMMIT").map_err(Failure::at_commit));
        match committed {
            Ok(()) => {
                if let Some(generation) = self.next_generation.take() {
                    self.generation = generation;
                }
                Ok(())
            }
            Err(failure) => {
                self.roll_back();
                Err(failure)
            }
        }
    }

    /// Fails if another process has committed since this was last called. Within
    /// a transaction that writes, nobody can commit behind it.
    fn see_that_nobody_wrote(&mut self) -> Result<(), Failure> {
        let found = self.find_data_version().map_err(Failure::before_commit)?;
        if found == self.data_version {
            return Ok(());
        }
        self.data_version = found;
        self.may_have_large = true;
        Err(Failure::Overtaken)
    }

    fn find_data_version(&self) -> rusqlite::Result<i64> {
        self.prepared(DATA_VERSION)?.query_row([], |row| row.get(0))
    }

    /// SQLite undoes some failed transactions itself.
    fn roll_back(&mut self) {
        if !self.connection.is_autocommit() && self.run("ROLLBACK").is_err() {
            self.is_broken = true;
        }
    }

    fn begin_next(&self) -> rusqlite::Result<()> {
        if let Some(generation) = self.next_generation {
            self.prepared(NOTE_GENERATION)?.execute([generation])?;
        }
        Ok(())
    }

    fn change(&mut self, change: &Change) -> rusqlite::Result<()> {
        match change {
            Change::Put(put) => self.put(put),
            Change::Delete(key) => self.delete(key.as_key()),
            Change::DeleteRange(range) => self.delete_range(range),
        }
    }

    /// A row that does not fit into its page makes every search that passes it
    /// read all of it.
    fn is_inline(&self, put: &Put) -> bool {
        put.key.bytes().len().saturating_add(put.value.len()) <= self.inline_bytes_max
    }

    fn put(&mut self, put: &Put) -> rusqlite::Result<()> {
        let key = put.key.as_key();
        self.free_large(key)?;
        let space = space_column(key.space());
        let expires = expires_column(put.expires);
        let checksum = checksum(key, put.expires, &put.value);
        let value: &[u8] = &put.value;
        if self.is_inline(put) {
            let parameters = params![space, key.bytes(), expires, checksum, value];
            self.prepared(PUT)?.execute(parameters)?;
            return Ok(());
        }
        self.may_have_large = true;
        let id = self.prepared(INSERT_LARGE)?.insert([value])?;
        let parameters = params![space, key.bytes(), expires, checksum, id];
        self.prepared(PUT_LARGE)?.execute(parameters)?;
        Ok(())
    }

    fn delete(&self, key: Key<'_>) -> rusqlite::Result<()> {
        self.free_large(key)?;
        let parameters = params![space_column(key.space()), key.bytes()];
        self.prepared(DELETE)?.execute(parameters)?;
        Ok(())
    }

    /// Removes the large value of a key, if it has one.
    fn free_large(&self, key: Key<'_>) -> rusqlite::Result<()> {
        if self.may_have_large {
            let parameters = params![space_column(key.space()), key.bytes()];
            self.prepared(FREE_LARGE)?.execute(parameters)?;
        }
        Ok(())
    }

    fn delete_range(&self, range: &KeyRange) -> rusqlite::Result<()> {
        let Bounds { start, end } = Bounds::of(range);
        let space = space_column(range.space());
        let run = |unbounded, bounded| match &end {
            None => self.prepared(unbounded)?.execute(params![space, start]),
            Some(end) => self.prepared(bounded)?.execute(params![space, start, end]),
        };
        if self.may_have_large {
            run(free_large_in!(unbounded), free_large_in!(bounded))?;
        }
        run(delete_in!(unbounded), delete_in!(bounded))?;
        Ok(())
    }

    fn run(&self, statement: &str) -> rusqlite::Result<()> {
        self.prepared(statement)?.raw_execute()?;
        Ok(())
    }

    fn prepared(&self, statement: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.connection.prepare_cached(statement)
    }
}
