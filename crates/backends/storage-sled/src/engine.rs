//! The engine: sled's calls behind the trait that embedded engines implement.

use std::{
    fmt,
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
};

use sled::{Batch, IVec};
use storage_core::{
    Capabilities, Description, Direction, Durability, Entry, Error, ErrorKind, Health, Item, Key,
    KeyRange, Maintenance, MaintenanceReport, Outcome, OwnedKey, Projection, Result,
    SnapshotSupport, Stats, StoreDirectory, Unit,
    embedded::{
        CachedItems, Change, ChangeForm, Engine, EngineRead, GroupPolicy, NoSnapshot, ReadPolicy,
        Tried, WritePolicy, envelope, flat_key,
    },
};

use crate::{
    SledConfig,
    error::from_sled,
    files::{self, Closing, gap_files},
    log::Log,
    rows::{Pieces, Row, RowWriter},
    scan::{Items, bytes, entry},
};

/// The name and version under which the directory is claimed.
const ENGINE: &str = "sled";
const FORMAT_VERSION: u32 = 1;

/// Scans and multi-gets of up to this many entries run on the caller's thread.
const INLINE_ENTRIES_MAX: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// A page of sled's index holds up to 320 keys, or a few more, and must take
/// less than a quarter of a segment.
const KEY_BYTES_MAX: usize = 1_024;

/// What a batch of the greatest size holds with room to spare.
const VALUE_BYTES_MAX: usize = 32 << 20;
const BATCH_BYTES_MAX: usize = 64 << 20;

/// While sled applies a batch, all reads wait.
const BATCH_OPERATIONS_MAX: usize = 1 << 16;

/// sled as an embedded engine.
pub struct SledEngine {
    log: Log,
    /// Held shared by reads of more than one row, and alone by commits: sled
    /// shows readers the rows of a commit one by one.
    whole: RwLock<()>,
    /// Whether a batch is being applied, for which sled makes all reads wait.
    is_batching: AtomicBool,
    writer: Mutex<RowWriter>,
    location: PathBuf,
    // INVARIANT: dropped after the log, whose files it tidies up, and before
    // the directory, whose lock keeps others away.
    closing: Closing,
    directory: StoreDirectory,
}

impl SledEngine {
    pub(crate) fn open(config: &SledConfig) -> Result<Self> {
        let directory = StoreDirectory::claim(&config.path, ENGINE, FORMAT_VERSION, files::create)?;
        // sled makes and removes files by their paths as long as it is open.
        let data = directory.anchored_data();
        let (watermark, promised) = directory.watermark()?;
        let db = files::open(
            directory.anchored_path(),
            &data,
            promised,
            config.cache_bytes,
        )?;
        let writer = RowWriter::recover(&db)?;
        Ok(Self {
            log: Log::new(db, &data, watermark)?,
            whole: RwLock::new(()),
            is_batching: AtomicBool::new(false),
            writer: Mutex::new(writer),
            location: config.path.clone(),
            closing: Closing::new(data),
            directory,
        })
    }

    /// The entry of `key`, while no commit takes place.
    fn get_unchanging(&self, key: Key<'_>) -> Result<Option<Entry>> {
        let stored = self.stored(key)?;
        stored.map(|stored| entry(&self.log, stored)).transpose()
    }

    fn stored(&self, key: Key<'_>) -> Result<Option<IVec>> {
        let db = self.log.db();
        flat_key::with_flat(key, |stored| db.get(stored)).map_err(from_sled)
    }

    fn get_all_unchanging(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        let entries = keys.iter().map(|key| self.get_unchanging(key.as_key()));
        let entries = entries.collect::<Result<_>>()?;
        self.log.keep_up()?;
        Ok(entries)
    }

    /// The rows that make up `changes`.
    fn rows(&self, changes: Vec<Change>) -> Result<Vec<Row>> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows = Vec::with_capacity(changes.len());
        for change in changes {
            let key = match &change {
                Change::Put(put) => &put.key,
                Change::Delete(key) => key,
                Change::DeleteRange(_) => return Err(Change::unexpected_range_delete()),
            };
            if writer.has_numbered() {
                let stored = self.stored(key.as_key())?;
                let pieces = stored.as_deref().map(Pieces::of).transpose()?.flatten();
                rows.extend(pieces.into_iter().flat_map(Pieces::removed));
            }
            match change {
                Change::Put(put) => writer.rows(&put, &mut rows),
                Change::Delete(key) => rows.push((flat_key::flat(key.as_key()).into(), None)),
                Change::DeleteRange(_) => return Err(Change::unexpected_range_delete()),
            }
        }
        Ok(rows)
    }

    /// Applies the rows of a commit, `alone` with them.
    fn apply_rows(&self, mut rows: Vec<Row>, alone: RwLockWriteGuard<'_, ()>) -> Result<()> {
        match rows.pop() {
            None => Ok(()),
            Some(only) if rows.is_empty() => self.apply_row(only, alone),
            Some(last) => {
                rows.push(last);
                self.apply_batch(rows, alone)
            }
        }
    }

    fn apply_row(&self, (key, value): Row, alone: RwLockWriteGuard<'_, ()>) -> Result<()> {
        let db = self.log.db();
        let bytes = key.len() + value.as_ref().map_or(0, |value| value.len());
        match value {
            Some(value) => db.insert(key, value),
            None => db.remove(key),
        }
        .map_err(from_sled)?;
        drop(alone);
        self.log.after_change(bytes)
    }

    fn apply_batch(&self, rows: Vec<Row>, alone: RwLockWriteGuard<'_, ()>) -> Result<()> {
        let mut batch = Batch::default();
        for (key, value) in rows {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.is_batching.store(true, Ordering::Release);
        let applied = self.log.apply_batch(batch);
        self.is_batching.store(false, Ordering::Release);
        applied?;
        drop(alone);
        self.log.after_batch()
    }

    fn whole(&self) -> RwLockReadGuard<'_, ()> {
        self.whole.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, unless it would have to wait for a commit.
    fn try_whole(&self) -> Option<RwLockReadGuard<'_, ()>> {
        match self.whole.try_read() {
            Ok(whole) => Some(whole),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl EngineRead for SledEngine {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        let stored = self.stored(key)?;
        self.log.keep_up()?;
        let Some(stored) = stored else {
            return Ok(None);
        };
        if Pieces::of(&stored)?.is_none() {
            return envelope::open(bytes(stored)).map(Some);
        }
        // A commit may have taken the pieces away since the row was read.
        let _whole = self.whole();
        self.get_unchanging(key)
    }

    fn get_many(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        let _whole = self.whole();
        self.get_all_unchanging(keys)
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        let whole = self.whole();
        Ok(Items::new(&self.log, range, direction, projection, whole))
    }

    fn get_cached(&self, key: Key<'_>) -> Option<Result<Option<Entry>>> {
        (!self.is_batching.load(Ordering::Acquire)).then(|| self.get(key))
    }

    fn get_many_cached(&self, keys: &[OwnedKey]) -> Option<Result<Vec<Option<Entry>>>> {
        let _whole = self.try_whole()?;
        Some(self.get_all_unchanging(keys))
    }

    fn scan_cached(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Option<Result<Item>>>> {
        let whole = self.try_whole();
        Ok(CachedItems::new(whole.map(|whole| {
            Items::new(&self.log, range, direction, projection, whole)
        })))
    }
}

impl Engine for SledEngine {
    type Snapshot = NoSnapshot;

    fn describe(&self) -> Description {
        Description::of_engine(ENGINE, self.location.display().to_string())
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::embedded();
        capabilities.batch_operations_max = BATCH_OPERATIONS_MAX;
        capabilities.batch_bytes_max = BATCH_BYTES_MAX;
        capabilities.snapshots = SnapshotSupport::Unsupported;
        capabilities.durability_min = Durability::Volatile;
        capabilities.key_bytes_max = KEY_BYTES_MAX;
        capabilities.value_bytes_max = VALUE_BYTES_MAX;
        capabilities
    }

    fn read_policy(&self) -> ReadPolicy {
        ReadPolicy::Cached {
            entries_max: INLINE_ENTRIES_MAX,
        }
    }

    fn write_policy(&self) -> WritePolicy {
        WritePolicy::Tried
    }

    fn group_policy(&self) -> GroupPolicy {
        // Before and after a batch its place in the log is looked up, and sled
        // writes out what an earlier one left.
        GroupPolicy::Apart
    }

    fn change_form(&self) -> ChangeForm {
        ChangeForm::Distinct
    }

    fn buffered_as(&self) -> Durability {
        Durability::Synced
    }

    fn apply(&self, changes: Vec<Change>, _: Durability) -> Result<()> {
        self.log.check_poison()?;
        let rows = self.rows(changes).map_err(not_applied)?;
        self.log.before(rows.len() > 1).map_err(not_applied)?;
        let alone = self.whole.write().unwrap_or_else(PoisonError::into_inner);
        self.apply_rows(rows, alone)
    }

    fn apply_may_wait(&self) -> bool {
        false
    }

    fn try_apply(&self, changes: Vec<Change>, _: Durability) -> Result<Tried> {
        self.log.check_poison()?;
        let rows = self.rows(changes).map_err(not_applied)?;
        if self.log.would_wait(rows.len() > 1) {
            return Ok(Tried::WouldWait);
        }
        self.log.before(rows.len() > 1).map_err(not_applied)?;
        let alone = match self.whole.try_write() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(Tried::WouldWait),
        };
        self.apply_rows(rows, alone).map(|()| Tried::Applied)
    }

    fn sync(&self) -> Result<()> {
        self.log.sync()
    }

    fn snapshot(&self) -> Result<NoSnapshot> {
        Err(Error::new(
            ErrorKind::Unsupported,
            "sled has no snapshots; read with one scan or one multi-get what must be of one state",
        ))
    }

    fn stats(&self) -> Result<Stats> {
        let db = self.log.db();
        let mut stats = Stats::default();
        stats.disk_bytes = Some(db.size_on_disk().map_err(from_sled)?);
        Ok(stats
            .with("log_written", self.log.written_bytes(), Unit::Bytes)
            .with("log_synced", self.log.synced_bytes(), Unit::Bytes))
    }

    fn health(&self) -> Result<Health> {
        let mut health = Health::default();
        if let Err(error) = self.log.check_poison() {
            health = health.with("poisoned", error.message());
        }
        for file in gap_files(self.directory.path())? {
            health = health.with(
                "log_gap",
                format!(
                    "after a crash a part of the log could not be read and was set aside in {}; that is \
                     what a loss of power does to a part that was being used again, and then nothing is \
                     missing. If the power was not lost, the disk damaged it: restore the store from a \
                     backup. Remove the file once that is settled",
                    file.display()
                ),
            );
        }
        Ok(health)
    }

    fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "sled has no {maintenance:?} maintenance: it frees space while it writes; copy the store \
                 to shrink it at once"
            ),
        ))
    }
}

impl fmt::Debug for SledEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledEngine")
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}

impl Drop for SledEngine {
    fn drop(&mut self) {
        // What a failed write left is for the next open to recover.
        if self.log.check_poison().is_err() {
            self.closing.withhold();
        }
    }
}

fn not_applied(error: Error) -> Error {
    error.with_outcome(Outcome::NotApplied)
}
