//! The engine: RocksDB's calls behind the trait that embedded engines implement.

use std::{
    fmt,
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rocksdb::{DB, Options};
use storage_core::{
    Capabilities, CheckReport, Description, Direction, Durability, Entry, Error, ErrorKind, Health,
    Item, Key, KeyRange, Maintenance, MaintenanceReport, Outcome, OwnedKey, Projection, Result,
    Stats, StoreDirectory,
    embedded::{Change, ChangeForm, Engine, EngineRead, ReadPolicy, Tried, WritePolicy},
};

use crate::{
    RocksConfig, RocksSnapshot, WriteAheadLog, checkpoint,
    error::from_rocks,
    figures, health,
    log::Log,
    opening,
    options::options,
    periodic::PeriodicSync,
    reading::{PointReads, Reading, Waiting},
    upkeep,
    writing::{Writes, size_bytes},
};

/// The name and version under which the directory is claimed.
pub(crate) const ENGINE: &str = "rocks";
pub(crate) const FORMAT_VERSION: u32 = 1;

/// Scans and multi-gets of up to this many entries are tried on the caller's
/// thread.
const CACHED_ENTRIES_MAX: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// Between two looks whether a write that has to wait may go on.
const PAUSE: Duration = Duration::from_millis(1);

/// RocksDB as an embedded engine.
pub struct RocksEngine {
    /// Syncs the log; ended first.
    periodic: Option<PeriodicSync>,
    log: Arc<Log>,
    points: PointReads,
    writes: Writes,
    /// Holds the counters.
    options: Options,
    config: RocksConfig,
    db: Arc<DB>,
    // INVARIANT: dropped after the database, since its lock keeps others away.
    directory: Arc<StoreDirectory>,
}

impl RocksEngine {
    pub(crate) fn open(config: &RocksConfig) -> Result<Self> {
        let directory = StoreDirectory::claim(&config.path, ENGINE, FORMAT_VERSION, |new| {
            opening::create(&options(config)?, new)
        })?;
        let (watermark, mark) = directory.watermark()?;
        let options = options(config)?;
        let db = Arc::new(opening::open(&options, &directory, mark)?);
        let log = Arc::new(Log::new(Arc::clone(&db), config.log, watermark));
        Ok(Self {
            periodic: periodic(config.log, &log)?,
            log,
            points: PointReads::new(None),
            writes: Writes::new(config.log),
            options,
            config: config.clone(),
            db,
            directory: Arc::new(directory),
        })
    }

    fn reading(&self) -> Reading<'_> {
        Reading {
            db: &self.db,
            snapshot: None,
            points: &self.points,
        }
    }

    fn compact(&self, range: Option<&KeyRange>) -> Result<MaintenanceReport> {
        upkeep::compact(&self.db, &self.directory, self.config.blobs.as_ref(), range)
    }

    fn check_periodic(&self) -> Result<()> {
        self.periodic.as_ref().map_or(Ok(()), PeriodicSync::check)
    }

    /// Writes `changes`, or refuses because that would take waiting.
    fn write(&self, changes: &[Change]) -> Result<Tried> {
        self.check_periodic()?;
        let tried = self.writes.write(&self.db, changes)?;
        if let (Tried::Applied, Some(periodic)) = (tried, &self.periodic) {
            periodic.wrote(size_bytes(changes));
        }
        Ok(tried)
    }

    /// Refuses to wait for room that may never come: RocksDB halts writes while
    /// it cannot merge files, and lets them wait until it can.
    fn check_halt(&self) -> Result<()> {
        if !health::is_halted(&self.db)? {
            return Ok(());
        }
        match health::background_error(&self.db) {
            Some(error) => Err(error.with_outcome(Outcome::NotApplied)),
            None => Ok(()),
        }
    }

    /// Waits until a write of so many bytes that was refused may be tried again.
    ///
    /// Where RocksDB slows writes down, it charges a try that it refuses as if it
    /// had been made, so the wait is as long as the two of them take.
    fn wait_for_turn(&self, bytes: usize) -> Result<()> {
        let begun = Instant::now();
        let bytes = u128::try_from(bytes).unwrap_or(u128::MAX);
        let charged = bytes.saturating_mul(2 * Duration::from_secs(1).as_micros());
        loop {
            thread::sleep(PAUSE);
            self.check_halt()?;
            let bytes_per_second = u128::from(health::slowed_to(&self.db)?);
            let passed = begun.elapsed().as_micros();
            if bytes_per_second == 0 || passed.saturating_mul(bytes_per_second) >= charged {
                return Ok(());
            }
        }
    }
}

impl EngineRead for RocksEngine {
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

impl Engine for RocksEngine {
    type Snapshot = RocksSnapshot;

    fn describe(&self) -> Description {
        Description::of_engine(ENGINE, self.config.path.display().to_string())
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::embedded();
        // With a log, a commit that left it out would be lost before earlier ones.
        if self.config.log == WriteAheadLog::Off {
            capabilities.durability_min = Durability::Volatile;
        }
        // RocksDB takes far longer ones, and is slow with them.
        capabilities.key_bytes_max = 65_534 - Capabilities::SYSTEM_KEY_EXTRA_BYTES;
        capabilities
    }

    fn read_policy(&self) -> ReadPolicy {
        ReadPolicy::Cached {
            entries_max: CACHED_ENTRIES_MAX,
        }
    }

    fn write_policy(&self) -> WritePolicy {
        WritePolicy::Tried
    }

    fn change_form(&self) -> ChangeForm {
        ChangeForm::Ordered
    }

    fn buffered_as(&self) -> Durability {
        match self.config.log {
            WriteAheadLog::Off => Durability::Synced,
            _ => Durability::Buffered,
        }
    }

    fn apply(&self, changes: Vec<Change>, _: Durability) -> Result<()> {
        // Where RocksDB waits by itself, it does so without bound while a disk is
        // full, and nothing ends that wait.
        loop {
            self.check_halt()?;
            match self.write(&changes)? {
                Tried::Applied => return Ok(()),
                Tried::WouldWait => self.wait_for_turn(size_bytes(&changes))?,
            }
        }
    }

    fn apply_may_wait(&self) -> bool {
        false
    }

    fn try_apply(&self, changes: Vec<Change>, _: Durability) -> Result<Tried> {
        self.write(&changes)
    }

    fn sync(&self) -> Result<()> {
        self.check_periodic()?;
        self.log.sync()
    }

    fn snapshot(&self) -> Result<RocksSnapshot> {
        Ok(RocksSnapshot::new(&self.db, &self.directory))
    }

    fn stats(&self) -> Result<Stats> {
        figures::stats(&self.db, &self.options, &self.directory)
    }

    fn health(&self) -> Result<Health> {
        let health = health::health(&self.db)?;
        Ok(match self.check_periodic() {
            Ok(()) => health,
            Err(error) => health.with("sync_failed", error.message().to_owned()),
        })
    }

    fn check(&self) -> Result<CheckReport> {
        upkeep::check(&self.db, &self.log, &self.directory)
    }

    fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        match maintenance {
            Maintenance::Compact => self.compact(None),
            other => Err(Error::new(
                ErrorKind::Unsupported,
                format!("RocksDB has no {other:?} maintenance; it compacts and flushes"),
            )),
        }
    }
}

impl RocksEngine {
    /// Merges what lies in `range`, so that reads of it touch fewer files and
    /// what was deleted from it is freed. Blocks until that is done.
    ///
    /// # Errors
    /// `Full` and `Corrupt`, where the files cannot be merged.
    pub fn compact_range(&self, range: &KeyRange) -> Result<MaintenanceReport> {
        self.compact(Some(range))
    }

    /// Makes another store in `path`, a missing or empty directory, of what this
    /// one holds now. On the same file system that takes little room and time:
    /// the two share their files. Neither sees what is changed in the other.
    ///
    /// The other store has the identity of this one. It is meant to be kept as
    /// it is, or to take this one's place.
    ///
    /// # Errors
    /// `Invalid` where there is something already; `Denied` and `Full` from the
    /// operating system.
    ///
    /// # Durability
    /// The other store survives a loss of power once this returns.
    pub fn checkpoint(&self, path: impl AsRef<Path>) -> Result<()> {
        checkpoint::create(&self.db, path.as_ref())
    }

    /// One of RocksDB's [properties], such as `rocksdb.stats`, as text; `None`
    /// if there is none of that name.
    ///
    /// # Errors
    /// What RocksDB reports.
    ///
    /// [properties]: https://github.com/facebook/rocksdb/wiki/RocksDB-Properties
    pub fn property(&self, name: &str) -> Result<Option<String>> {
        if name.contains('\0') {
            return Ok(None);
        }
        self.db.property_value(name).map_err(from_rocks)
    }
}

impl fmt::Debug for RocksEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocksEngine")
            .field("location", &self.config.path)
            .finish_non_exhaustive()
    }
}

impl Drop for RocksEngine {
    fn drop(&mut self) {
        self.periodic = None;
        // The next open need not read the log. Where writes are slowed down,
        // this would wait for merges; where something has failed, it may fail
        // too, and the log has everything.
        if health::is_stalling(&self.db).is_ok_and(|stalling| !stalling) {
            let _ = self.log.write_buffers();
        }
    }
}

fn periodic(kept: WriteAheadLog, log: &Arc<Log>) -> Result<Option<PeriodicSync>> {
    let WriteAheadLog::Periodic { interval, bytes } = kept else {
        return Ok(None);
    };
    let log = Arc::clone(log);
    PeriodicSync::start(interval, bytes, move || log.sync()).map(Some)
}
