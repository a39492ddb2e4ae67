//! Reads of the database as it is, or as a snapshot has it.

use bytes::Bytes;
use rocksdb::{DB, DBPinnableSlice, DEFAULT_COLUMN_FAMILY_NAME, ReadOptions, ReadTier, Snapshot};
use storage_core::{
    Direction, Entry, Error, ErrorKind, Key, KeyRange, OwnedKey, Projection, Result,
    embedded::{envelope, flat_key},
};

use crate::{
    bounds::half_open,
    error::{from_rocks, would_wait},
    scan::Items,
};

/// A scan that must not wait passes over so many deleted entries in a row, and
/// then says that it would have to wait.
const SKIPPED_MAX: u64 = 1_000;

/// Reads one state of the database.
pub(crate) struct Reading<'a> {
    pub(crate) db: &'a DB,
    pub(crate) snapshot: Option<&'a Snapshot<'a>>,
    pub(crate) points: &'a PointReads,
}

/// Whether a read may wait for a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    Allowed,
    Refused,
}

/// Options of reads of single keys, made once: to make them takes as long as a
/// good part of a read.
pub(crate) struct PointReads {
    allowed: ReadOptions,
    refused: ReadOptions,
}

impl PointReads {
    /// For reads of `snapshot`, or of the newest state.
    pub(crate) fn new(snapshot: Option<&Snapshot<'_>>) -> Self {
        Self {
            allowed: read_options(snapshot, Waiting::Allowed),
            refused: read_options(snapshot, Waiting::Refused),
        }
    }

    fn of(&self, waiting: Waiting) -> &ReadOptions {
        match waiting {
            Waiting::Allowed => &self.allowed,
            Waiting::Refused => &self.refused,
        }
    }
}

impl<'a> Reading<'a> {
    pub(crate) fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        entry(self.stored(key, Waiting::Allowed))
    }

    pub(crate) fn get_cached(&self, key: Key<'_>) -> Option<Result<Option<Entry>>> {
        match self.stored(key, Waiting::Refused) {
            Err(error) if would_wait(&error) => None,
            stored => Some(entry(stored)),
        }
    }

    /// All of one state.
    pub(crate) fn get_many(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        self.stored_of_many(keys, Waiting::Allowed)?
            .into_iter()
            .map(entry)
            .collect()
    }

    /// All of one state.
    ///
    /// RocksDB's own call for several keys waits for a disk even where it must
    /// not, so this asks for one key after the other.
    pub(crate) fn get_many_cached(&self, keys: &[OwnedKey]) -> Option<Result<Vec<Option<Entry>>>> {
        if self.snapshot.is_some() || keys.len() <= 1 {
            return self.get_each_cached(keys);
        }
        let snapshot = self.db.snapshot();
        let points = PointReads::new(Some(&snapshot));
        let reading = Reading {
            db: self.db,
            snapshot: Some(&snapshot),
            points: &points,
        };
        reading.get_each_cached(keys)
    }

    fn get_each_cached(&self, keys: &[OwnedKey]) -> Option<Result<Vec<Option<Entry>>>> {
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            match self.get_cached(key.as_key())? {
                Ok(entry) => entries.push(entry),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(entries))
    }

    pub(crate) fn items(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
        waiting: Waiting,
    ) -> Items<'a> {
        if range.is_empty() {
            return Items::none();
        }
        let mut options = read_options(self.snapshot, waiting);
        let (start, end) = half_open(range);
        options.set_iterate_lower_bound(start);
        options.set_iterate_upper_bound(end);
        if waiting == Waiting::Refused {
            options.set_max_skippable_internal_keys(SKIPPED_MAX);
        }
        Items::new(self.db.raw_iterator_opt(options), direction, projection)
    }

    fn stored(&self, key: Key<'_>, waiting: Waiting) -> Stored<'a> {
        let options = self.points.of(waiting);
        flat_key::with_flat(key, |flat| self.db.get_pinned_opt(flat, options))
    }

    fn stored_of_many(&self, keys: &[OwnedKey], waiting: Waiting) -> Result<Vec<Stored<'a>>> {
        let entries = self
            .db
            .cf_handle(DEFAULT_COLUMN_FAMILY_NAME)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Internal,
                    "the database was opened without its column family",
                )
            })?;
        let keys: Vec<_> = keys
            .iter()
            .map(|key| flat_key::flat(key.as_key()))
            .collect();
        let options = self.points.of(waiting);
        Ok(self
            .db
            .batched_multi_get_cf_opt(entries, &keys, false, options))
    }
}

/// What RocksDB has stored for a key.
type Stored<'a> = std::result::Result<Option<DBPinnableSlice<'a>>, rocksdb::Error>;

/// The entry, of its own bytes: what RocksDB lends keeps a whole block in
/// memory, and the database open.
fn entry(stored: Stored<'_>) -> Result<Option<Entry>> {
    stored
        .map_err(from_rocks)?
        .map(|stored| envelope::open(Bytes::copy_from_slice(&stored)))
        .transpose()
}

fn read_options(snapshot: Option<&Snapshot<'_>>, waiting: Waiting) -> ReadOptions {
    let mut options = ReadOptions::default();
    if let Some(snapshot) = snapshot {
        options.set_snapshot(snapshot);
    }
    match waiting {
        Waiting::Allowed => {}
        Waiting::Refused => options.set_read_tier(ReadTier::BlockCache),
    }
    options
}
