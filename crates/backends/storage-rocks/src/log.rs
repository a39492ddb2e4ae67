//! Making what was applied durable, and noting how far it is.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use rocksdb::DB;
use storage_core::{Mark, Result, Watermark};

use crate::{WriteAheadLog, error::from_rocks};

/// Syncs the log, or writes the buffers to files where there is none.
pub(crate) struct Log {
    db: Arc<DB>,
    kept: WriteAheadLog,
    watermark: Watermark,
    /// The last change that is known to be durable.
    synced: AtomicU64,
}

impl Log {
    pub(crate) const fn new(db: Arc<DB>, kept: WriteAheadLog, watermark: Watermark) -> Self {
        Self {
            db,
            kept,
            watermark,
            synced: AtomicU64::new(0),
        }
    }

    /// Makes everything durable that was applied before the call. Writers go on
    /// meanwhile.
    pub(crate) fn sync(&self) -> Result<()> {
        match self.kept {
            WriteAheadLog::On | WriteAheadLog::Periodic { .. } => {
                self.make_durable(|db| db.flush_wal(true))
            }
            WriteAheadLog::Off => self.write_buffers(),
        }
    }

    /// Writes everything that was applied before the call to sorted files, so
    /// that no log is needed for it.
    pub(crate) fn write_buffers(&self) -> Result<()> {
        self.make_durable(DB::flush)
    }

    fn make_durable(&self, how: impl FnOnce(&DB) -> Result<(), rocksdb::Error>) -> Result<()> {
        // RocksDB numbers each change, and counts it once it is in the log.
        let end = self.db.latest_sequence_number();
        how(&self.db).map_err(from_rocks)?;
        self.synced.fetch_max(end, Ordering::AcqRel);
        // What is durable is so without the note; without it, the next open
        // only knows less.
        let _ = self.watermark.raise(mark(end));
        Ok(())
    }

    /// Up to where changes are in files: those in the log need not be synced.
    pub(crate) fn written(&self) -> Mark {
        mark(match self.kept {
            WriteAheadLog::On | WriteAheadLog::Periodic { .. } => self.db.latest_sequence_number(),
            WriteAheadLog::Off => self.synced.load(Ordering::Acquire),
        })
    }
}

/// Changes are numbered through, whichever log they are in.
pub(crate) const fn mark(change: u64) -> Mark {
    Mark {
        log: 0,
        position: change,
    }
}
