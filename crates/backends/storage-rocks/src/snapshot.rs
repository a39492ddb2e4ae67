//! Snapshots, which own what they read.
//!
//! The crate's own snapshots borrow the database. `self_cell` keeps the two
//! together, so that nothing here is unsafe.

use std::{fmt, sync::Arc};

use rocksdb::{DB, Snapshot};
use self_cell::self_cell;
use storage_core::{
    Direction, Entry, Item, Key, KeyRange, OwnedKey, Projection, Result, StoreDirectory,
    embedded::EngineRead,
};

use crate::reading::{PointReads, Reading, Waiting};

/// A RocksDB store as of one moment.
pub struct RocksSnapshot(Pinned);

self_cell!(
    struct Pinned {
        owner: Opened,
        #[covariant]
        dependent: Taken,
    }
);

struct Opened {
    db: Arc<DB>,
    /// Its lock keeps others away.
    // INVARIANT: dropped after the database.
    _directory: Arc<StoreDirectory>,
}

struct Taken<'a> {
    // INVARIANT: names the snapshot, so it is not used after it.
    points: PointReads,
    snapshot: Snapshot<'a>,
}

impl RocksSnapshot {
    /// A snapshot of `db`, whose files are in `directory`.
    pub(crate) fn new(db: &Arc<DB>, directory: &Arc<StoreDirectory>) -> Self {
        let opened = Opened {
            db: Arc::clone(db),
            _directory: Arc::clone(directory),
        };
        Self(Pinned::new(opened, |opened| {
            let snapshot = opened.db.snapshot();
            Taken {
                points: PointReads::new(Some(&snapshot)),
                snapshot,
            }
        }))
    }

    fn reading(&self) -> Reading<'_> {
        let Taken { points, snapshot } = self.0.borrow_dependent();
        Reading {
            db: &self.0.borrow_owner().db,
            snapshot: Some(snapshot),
            points,
        }
    }
}

impl EngineRead for RocksSnapshot {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        self.reading().get(key)
    }

    fn get_many(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        self.reading().get_many(keys)
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        let items = self
            .reading()
            .items(range, direction, projection, Waiting::Allowed);
        Ok(items.waiting())
    }

    fn get_cached(&self, key: Key<'_>) -> Option<Result<Option<Entry>>> {
        self.reading().get_cached(key)
    }

    fn get_many_cached(&self, keys: &[OwnedKey]) -> Option<Result<Vec<Option<Entry>>>> {
        self.reading().get_many_cached(keys)
    }

    fn scan_cached(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Option<Result<Item>>>> {
        let items = self
            .reading()
            .items(range, direction, projection, Waiting::Refused);
        Ok(items.cached())
    }
}

impl fmt::Debug for RocksSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocksSnapshot").finish_non_exhaustive()
    }
}
