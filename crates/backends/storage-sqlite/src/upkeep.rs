//! Checkpoints, vacuums and the like.

use std::{
    fs,
    num::NonZeroU32,
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::wal::CheckpointMode;
use storage_core::{Error, ErrorKind, Maintenance, MaintenanceReport, Result};

use crate::{
    SqliteEngine,
    connection::{DATABASE, LOG_SUFFIX},
    error::{from_sqlite, is_busy, is_failed_sync},
    writer::Writer,
};

/// How many times larger than it should be the log may become before a
/// checkpoint makes readers of it end first.
pub(crate) const LARGE_LOG_TIMES: u32 = 4;

/// How long a checkpoint waits for those readers.
const READERS_TIMEOUT: Duration = Duration::from_millis(100);

/// What a checkpoint did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// How many pages there are in the log.
    pub log_frames: u32,
    /// How many of them are in the database now. All others are in use by
    /// snapshots or other processes.
    pub written_frames: u32,
}

impl SqliteEngine {
    /// Writes the log's pages to the database and empties the log, as far as no
    /// snapshot and no other process reads it.
    ///
    /// # Errors
    /// `Full` if the database cannot grow; what else SQLite reports.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        let mut writer = self.writer();
        self.checkpoint_wholly(&mut writer)
    }

    /// Gives back up to `pages` free pages, or all of them, by moving others
    /// into their places. Nothing happens to a store that was not made with
    /// [`AutoVacuum::Incremental`](crate::AutoVacuum::Incremental). The file
    /// becomes shorter with the next checkpoint.
    ///
    /// # Errors
    /// `Unavailable` while another process holds the write lock; what else
    /// SQLite reports.
    pub fn incremental_vacuum(&self, pages: Option<NonZeroU32>) -> Result<()> {
        let mut writer = self.writer();
        let pages = pages.map_or(0, NonZeroU32::get);
        self.run(&mut writer, &format!("PRAGMA incremental_vacuum({pages})"))
    }

    pub(crate) fn upkeep(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        let before = self.disk_bytes()?;
        let mut writer = self.writer();
        match maintenance {
            Maintenance::Compact if vacuums_incrementally(&writer)? => {
                self.checkpoint_wholly(&mut writer)?;
                self.run(&mut writer, "PRAGMA incremental_vacuum")?;
                self.checkpoint_wholly(&mut writer)?;
            }
            Maintenance::Compact | Maintenance::Vacuum => {
                self.checkpoint_wholly(&mut writer)?;
                self.run(&mut writer, "VACUUM")?;
                self.checkpoint_wholly(&mut writer)?;
            }
            Maintenance::Analyze => self.run(&mut writer, "ANALYZE")?,
            Maintenance::Reindex => self.run(&mut writer, "REINDEX")?,
            other => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("SQLite has no {other:?} maintenance"),
                ));
            }
        }
        drop(writer);
        Ok(MaintenanceReport::of_disk_bytes(before, self.disk_bytes()?))
    }

    /// Writes the log's pages to the database because there are enough of them.
    /// If it fails, they stay in the log, and the next is tried later.
    pub(crate) fn checkpoint_as_due(&self, writer: &mut Writer) {
        self.snapshots.end_expired();
        let is_large =
            self.log.frame_count() >= self.log.frames_max().saturating_mul(LARGE_LOG_TIMES);
        // With a snapshot there is no use in waiting for readers.
        let mode = if is_large && self.snapshots.holding().is_none() {
            CheckpointMode::RESTART
        } else {
            CheckpointMode::PASSIVE
        };
        let done = writer
            .wait_for_locks(READERS_TIMEOUT)
            .map_err(from_sqlite)
            .and_then(|()| self.checkpoint_in(writer, mode));
        *self.checkpoint_failure() = done.err().map(|error| error.to_string());
    }

    /// Writes all of the log's pages to the database, and empties the log.
    fn checkpoint_wholly(&self, writer: &mut Writer) -> Result<Checkpoint> {
        self.log.check()?;
        self.snapshots.end_expired();
        let timeout = match self.snapshots.holding() {
            None => READERS_TIMEOUT,
            Some(_) => Duration::ZERO,
        };
        writer.wait_for_locks(timeout).map_err(from_sqlite)?;
        self.checkpoint_in(writer, CheckpointMode::TRUNCATE)
    }

    fn checkpoint_in(&self, writer: &mut Writer, mode: CheckpointMode) -> Result<Checkpoint> {
        let checkpoint = |mode| writer.connection().wal_checkpoint_v2(None::<&str>, mode);
        let done = match checkpoint(mode) {
            // Somebody reads the log. It was written as far as it can be.
            Err(error) if is_busy(&error) => checkpoint(CheckpointMode::NOOP),
            done => done,
        };
        match done {
            Ok((log_frames, written_frames)) => {
                let count = |frames| u32::try_from(frames).unwrap_or(0);
                self.log.checkpointed(count(log_frames));
                writer.begin_generation();
                Ok(Checkpoint {
                    log_frames: count(log_frames),
                    written_frames: count(written_frames),
                })
            }
            Err(error) => {
                if is_failed_sync(&error) {
                    self.log.fail();
                }
                self.log.postpone_checkpoint();
                Err(from_sqlite(error))
            }
        }
    }

    /// Runs a statement that changes how the database is stored, not what is in
    /// it.
    fn run(&self, writer: &mut Writer, statement: &str) -> Result<()> {
        self.log.check()?;
        self.let_wait(writer)?;
        // Some of these yield a row for each step that they take.
        let run = || {
            let mut statement = writer.connection().prepare(statement)?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        };
        let done: rusqlite::Result<()> = run();
        match done {
            Ok(()) => self.note_commit(writer),
            Err(error) => {
                if is_failed_sync(&error) {
                    self.log.fail();
                }
                return Err(from_sqlite(error));
            }
        }
        Ok(())
    }

    /// The bytes of the database and its log.
    pub(crate) fn disk_bytes(&self) -> Result<u64> {
        Ok(self.database_bytes()?.saturating_add(self.log_bytes()?))
    }

    pub(crate) fn database_bytes(&self) -> Result<u64> {
        self.file_bytes("")
    }

    pub(crate) fn log_bytes(&self) -> Result<u64> {
        self.file_bytes(LOG_SUFFIX)
    }

    fn file_bytes(&self, suffix: &str) -> Result<u64> {
        let mut path = self.database.clone().into_os_string();
        path.push(suffix);
        fs::metadata(&path)
            .map(|metadata| metadata.len())
            .map_err(|error| Error::io(format!("looking at {DATABASE}{suffix}"), error))
    }

    pub(crate) fn checkpoint_failure(&self) -> MutexGuard<'_, Option<String>> {
        self.checkpoint_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether free pages can be given back without rewriting everything.
fn vacuums_incrementally(writer: &Writer) -> Result<bool> {
    const INCREMENTAL: i64 = 2;
    let mode = writer
        .connection()
        .pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i64>(0));
    mode.map(|mode| mode == INCREMENTAL).map_err(from_sqlite)
}
