//! The engine: SQLite behind the trait that embedded engines implement.

use std::{
    fmt,
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use storage_core::{
    Capabilities, CheckReport, Clock, Description, Direction, Durability, Entry, Health, Item, Key,
    KeyRange, Maintenance, MaintenanceReport, OwnedKey, Projection, Result, SnapshotSupport, Stats,
    StoreDirectory,
    embedded::{Change, ChangeForm, Engine, EngineRead, ReadPolicy, Tried, WritePolicy},
};

use crate::{
    SqliteConfig, SqliteSnapshot,
    error::from_sqlite,
    failure::Failure,
    log::{Log, Restarted},
    open::Opened,
    read,
    readers::{Lease, Readers},
    scan::{Items, Source},
    seal::Seal,
    snapshot::Snapshots,
    writer::Writer,
};

/// The name under which the directory is claimed.
pub(crate) const ENGINE: &str = "sqlite";

/// Scans and multi-gets of up to this many entries run on the caller's thread.
const INLINE_ENTRIES_MAX: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// SQLite takes rows of up to 1,000,000,000 bytes.
const VALUE_BYTES_MAX: usize = 512 << 20;

/// SQLite as an embedded engine.
pub struct SqliteEngine {
    pub(crate) readers: Arc<Readers>,
    pub(crate) snapshots: Snapshots,
    writer: Mutex<Writer>,
    // INVARIANT: dropped after the writer, since it seals what that has closed.
    _seal: Seal,
    pub(crate) log: Log,
    busy_timeout: Duration,
    snapshot_support: SnapshotSupport,
    /// Whether the last commit found another process holding the write lock.
    pub(crate) is_locked_out: AtomicBool,
    /// Why the last checkpoint failed, if it did.
    pub(crate) checkpoint_failure: Mutex<Option<String>>,
    pub(crate) database: PathBuf,
    location: PathBuf,
    // INVARIANT: dropped last, since its lock keeps others away.
    _directory: StoreDirectory,
}

impl SqliteEngine {
    pub(crate) fn open(config: SqliteConfig, clock: Clock) -> Result<Self> {
        let Opened {
            directory,
            database,
            opener,
            writer,
            log,
            seal,
        } = Opened::open(&config)?;
        Ok(Self {
            readers: Arc::new(Readers::new(opener, config.readers_max.get())),
            snapshots: Snapshots::new(config.snapshots_max.get(), config.snapshot_age_max, clock),
            writer: Mutex::new(writer),
            _seal: seal,
            log,
            busy_timeout: config.busy_timeout,
            snapshot_support: config
                .snapshot_age_max
                .map_or(SnapshotSupport::Unlimited, SnapshotSupport::Within),
            is_locked_out: AtomicBool::new(false),
            checkpoint_failure: Mutex::new(None),
            database,
            location: config.path,
            _directory: directory,
        })
    }

    /// The writer, when others are done with it.
    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer, unless others are at it.
    fn idle_writer(&self) -> Option<MutexGuard<'_, Writer>> {
        match self.writer.try_lock() {
            Ok(writer) => Some(writer),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Lets the writer wait for locks of other processes, for as long as the
    /// configuration says.
    pub(crate) fn let_wait(&self, writer: &mut Writer) -> Result<()> {
        writer
            .wait_for_locks(self.busy_timeout)
            .map_err(from_sqlite)
    }

    fn commit(&self, writer: &mut Writer, changes: &[Change]) -> Result<(), Failure> {
        let applied = writer.apply(changes);
        match &applied {
            Ok(()) => self.note_commit(writer),
            Err(failure) => self.note_failure(writer, failure),
        }
        let is_locked_out = applied.as_ref().is_err_and(Failure::is_busy);
        self.is_locked_out.store(is_locked_out, Ordering::Release);
        applied
    }
}

impl SqliteEngine {
    fn note_failure(&self, writer: &Writer, failure: &Failure) {
        if failure.is_failed_sync() || writer.is_broken() {
            self.log.fail();
        }
    }

    /// Has the log know of a commit. Where another process has let it begin
    /// anew, it is given its generation at once.
    pub(crate) fn note_commit(&self, writer: &mut Writer) {
        if self.log.committed(writer.generation()) == Restarted::AsKnown {
            return;
        }
        writer.begin_generation();
        // If not now, the next commit notes it, and until then there is no mark.
        match writer.note_generation() {
            Ok(()) => drop(self.log.committed(writer.generation())),
            Err(failure) => self.note_failure(writer, &failure),
        }
    }
}

impl EngineRead for SqliteEngine {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        read::get(self.readers.lease()?.connection()?, key)
    }

    fn get_many(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        get_many(&self.readers.lease()?, keys)
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        let source = Source::Leased(self.readers.lease()?);
        Items::begin(source, range, direction, projection)
    }

    fn get_cached(&self, key: Key<'_>) -> Option<Result<Option<Entry>>> {
        let lease = self.readers.lease_idle()?;
        Some(
            lease
                .connection()
                .and_then(|connection| read::get(connection, key)),
        )
    }

    fn get_many_cached(&self, keys: &[OwnedKey]) -> Option<Result<Vec<Option<Entry>>>> {
        Some(get_many(&self.readers.lease_idle()?, keys))
    }

    fn scan_cached(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Option<Result<Item>>>> {
        let source = self.readers.lease_idle().map(Source::Leased);
        Items::begin_if(source, range, direction, projection)
    }
}

/// The entries of `keys`, of one state.
fn get_many(lease: &Lease<'_>, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
    let connection = lease.connection()?;
    match keys {
        [_] => read::get_many(connection, keys),
        _ => read::at_once(connection, |connection| read::get_many(connection, keys)),
    }
}

impl Engine for SqliteEngine {
    type Snapshot = SqliteSnapshot;

    fn describe(&self) -> Description {
        Description::of_engine(ENGINE, self.location.display().to_string())
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::embedded();
        capabilities.snapshots = self.snapshot_support;
        capabilities.key_bytes_max = 65_536 - Capabilities::SYSTEM_KEY_EXTRA_BYTES;
        capabilities.value_bytes_max = VALUE_BYTES_MAX;
        capabilities
    }

    fn read_policy(&self) -> ReadPolicy {
        // What is cached is a connection; a page may come from the disk.
        ReadPolicy::Cached {
            entries_max: INLINE_ENTRIES_MAX,
        }
    }

    fn write_policy(&self) -> WritePolicy {
        WritePolicy::Tried
    }

    fn change_form(&self) -> ChangeForm {
        ChangeForm::Ordered
    }

    fn apply(&self, changes: Vec<Change>, _: Durability) -> Result<()> {
        let mut writer = self.writer();
        self.log.check()?;
        if self.log.is_checkpoint_due() {
            self.checkpoint_as_due(&mut writer);
            self.log.check()?;
        }
        self.let_wait(&mut writer)?;
        Ok(self.commit(&mut writer, &changes)?)
    }

    fn apply_may_wait(&self) -> bool {
        self.log.may_wait()
    }

    fn try_apply(&self, changes: Vec<Change>, _: Durability) -> Result<Tried> {
        let Some(mut writer) = self.idle_writer() else {
            return Ok(Tried::WouldWait);
        };
        self.log.check()?;
        if self.log.may_wait() {
            return Ok(Tried::WouldWait);
        }
        writer.wait_for_locks(Duration::ZERO).map_err(from_sqlite)?;
        match self.commit(&mut writer, &changes) {
            // The commit is judged anew before it is applied elsewhere.
            Err(failure) if failure.is_busy() || failure.is_overtaken() => Ok(Tried::WouldWait),
            applied => {
                applied?;
                Ok(Tried::Applied)
            }
        }
    }

    fn sync(&self) -> Result<()> {
        self.log.sync()
    }

    fn snapshot(&self) -> Result<SqliteSnapshot> {
        self.snapshots.take(&self.readers)
    }

    fn stats(&self) -> Result<Stats> {
        self.figures()
    }

    fn health(&self) -> Result<Health> {
        self.issues()
    }

    fn check(&self) -> Result<CheckReport> {
        self.check_structure()
    }

    fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        self.upkeep(maintenance)
    }
}

impl fmt::Debug for SqliteEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteEngine")
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}

impl Drop for SqliteEngine {
    fn drop(&mut self) {
        self.readers.close_idle();
        // Whoever does not know what is on the disk leaves the log for the next
        // open to recover from.
        if self.log.check().is_ok() {
            self.writer().let_close_cleanly();
        }
    }
}

#[cfg(test)]
mod tests {
    use storage_core::Space;

    use super::*;

    #[test]
    fn what_would_open_a_connection_or_wait_for_another_read_is_not_read_here() {
        fn reads_here(source: &impl EngineRead) -> [bool; 3] {
            let key = Key::in_space(Space::User, b"key");
            let range = KeyRange::all();
            let scan = source
                .scan_cached(&range, Direction::Forward, Projection::Entries)
                .unwrap()
                .next()
                .is_none_or(|item| item.is_some());
            [
                source.get_cached(key).is_some(),
                source.get_many_cached(&[key.to_owned()]).is_some(),
                scan,
            ]
        }
        let directory = tempfile::tempdir().unwrap();
        let config = SqliteConfig::new(directory.path());
        let engine = SqliteEngine::open(config, Clock::default()).unwrap();
        assert_eq!(reads_here(&engine), [false; 3]);
        let range = KeyRange::all();
        let scan = |source: &SqliteEngine| {
            let scan = source.scan(&range, Direction::Forward, Projection::Entries);
            drop(scan.unwrap());
        };
        scan(&engine);
        assert_eq!(reads_here(&engine), [true; 3]);

        let snapshot = engine.snapshot().unwrap();
        assert_eq!(reads_here(&snapshot), [true; 3]);
        let scan = snapshot
            .scan(&range, Direction::Forward, Projection::Entries)
            .unwrap();
        assert_eq!(reads_here(&snapshot), [false; 3]);
        drop(scan);
        assert_eq!(reads_here(&snapshot), [true; 3]);
    }
}
