//! The engine: fjall's calls behind the trait that embedded engines implement.

use std::{
    env, fmt,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use bytes::Bytes;
use fjall::{AbstractTree, Database, Keyspace, KeyspaceCreateOptions, PersistMode, Slice};
use storage_core::{
    Capabilities, Description, Direction, Durability, Entry, Error, ErrorKind, Health, Item, Key,
    KeyRange, Maintenance, MaintenanceReport, OwnedKey, Projection, Result, Stats, StoreDirectory,
    Unit,
    embedded::{Change, ChangeForm, Engine, EngineRead, ReadPolicy, envelope, flat_key},
};

use crate::{
    FjallConfig, FjallSnapshot,
    error::{from_fjall, opening},
    journal::JournalSync,
    release::JournalRelease,
    seal::{LastClose, Seal, break_seal},
    snapshot::{entry, items},
    stall::StallWatch,
    torn::{cut_off, cut_off_torn_batch},
    visibility::Visibility,
};

/// The name and version under which the directory is claimed.
const ENGINE: &str = "fjall";
const FORMAT_VERSION: u32 = 1;

/// The one keyspace of the database.
const KEYSPACE: &str = "entries";

/// Scans and multi-gets of up to this many entries run on the caller's thread.
const INLINE_ENTRIES_MAX: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// fjall slows writers down at 20 runs in the first level and halts them at 4
/// write buffers that wait to be written.
const SLOW_RUNS: usize = 20;
const WAITING_BUFFERS_HALT: usize = 4;

/// fjall as an embedded engine.
pub struct FjallEngine {
    keyspace: Keyspace,
    database: Database,
    visibility: Visibility,
    stalls: StallWatch,
    journal: JournalSync,
    location: PathBuf,
    // INVARIANT: dropped after the database, whose journals it empties, and
    // before the seal, which says so.
    release: JournalRelease,
    // INVARIANT: dropped after the database, whose journals it seals, and
    // before the directory, whose lock keeps others away.
    seal: Seal,
    directory: StoreDirectory,
}

impl FjallEngine {
    pub(crate) fn open(config: &FjallConfig) -> Result<Self> {
        // fjall panics without one, even where it does not need it.
        env::current_dir().map_err(|error| Error::io("finding the current directory", error))?;
        let directory = StoreDirectory::claim(&config.path, ENGINE, FORMAT_VERSION, |new| {
            opening(|| open_database(config, new)).map(drop)
        })?;
        let data = directory.data();
        if break_seal(directory.path(), &data)? == LastClose::Unclean {
            cut_off_torn_batch(directory.path(), &data)?;
        }
        // fjall makes and removes files by their paths as long as it is open.
        let data = directory.anchored_data();
        let (database, keyspace) = opening(|| open_database(config, &data))?;
        Ok(Self {
            stalls: StallWatch::new(&database, &keyspace, config.write_buffer_bytes),
            keyspace,
            database,
            visibility: Visibility::default(),
            journal: JournalSync::open(data.clone())?,
            location: config.path.clone(),
            release: JournalRelease::new(data.clone()),
            seal: Seal::new(directory.anchored_path(), data),
            directory,
        })
    }

    fn snapshot_now(&self) -> FjallSnapshot {
        FjallSnapshot::new(self.keyspace.clone(), self.database.snapshot())
    }

    fn apply_one(&self, change: Change) -> fjall::Result<()> {
        match stored(change) {
            (key, Some(value)) => self.keyspace.insert(key, value),
            (key, None) => self.keyspace.remove(key),
        }
    }

    fn apply_batch(&self, changes: Vec<Change>) -> fjall::Result<()> {
        let mut batch = self.database.batch();
        for change in changes {
            match stored(change) {
                (key, Some(value)) => batch.insert(&self.keyspace, key, value),
                (key, None) => batch.remove(&self.keyspace, key),
            }
        }
        batch.commit()
    }

    /// Whether fjall still takes writes.
    fn check_poison(&self) -> Result<()> {
        self.database
            .persist(PersistMode::Buffer)
            .map_err(from_fjall)
    }

    /// Writes what is gathered in memory to sorted files.
    fn flush(&self) -> Result<()> {
        /// fjall has no way to wait that ends if it cannot write them.
        const POLL: Duration = Duration::from_millis(10);
        self.keyspace.rotate_memtable().map_err(from_fjall)?;
        while self.keyspace.sealed_memtable_count() > 0 {
            self.check_poison()?;
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn compact(&self) -> Result<MaintenanceReport> {
        let before = self.database.disk_space().map_err(from_fjall)?;
        self.flush()?;
        self.keyspace.major_compact().map_err(from_fjall)?;
        let after = self.database.disk_space().map_err(from_fjall)?;
        Ok(MaintenanceReport::of_disk_bytes(before, after))
    }
}

impl EngineRead for FjallEngine {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        let undisturbed = flat_key::with_flat(key, |stored| {
            self.visibility.undisturbed(|| self.keyspace.get(stored))
        });
        match undisturbed {
            Some(stored) => stored.map_err(from_fjall).and_then(entry),
            None => self.snapshot_now().get(key),
        }
    }

    fn get_many(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        self.snapshot_now().get_many(keys)
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        let snapshot = self.database.snapshot();
        Ok(items(
            &snapshot,
            &self.keyspace,
            range,
            direction,
            projection,
        ))
    }
}

impl Engine for FjallEngine {
    type Snapshot = FjallSnapshot;

    fn describe(&self) -> Description {
        Description::of_engine(ENGINE, self.location.display().to_string())
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::embedded();
        // fjall takes 65,535 bytes, one of which is the space's.
        capabilities.key_bytes_max = 65_534 - Capabilities::SYSTEM_KEY_EXTRA_BYTES;
        capabilities
    }

    fn read_policy(&self) -> ReadPolicy {
        ReadPolicy::Inline {
            entries_max: INLINE_ENTRIES_MAX,
        }
    }

    fn change_form(&self) -> ChangeForm {
        ChangeForm::Distinct
    }

    fn apply(&self, mut changes: Vec<Change>, _: Durability) -> Result<()> {
        if changes
            .iter()
            .any(|change| matches!(change, Change::DeleteRange(_)))
        {
            return Err(Change::unexpected_range_delete());
        }
        // fjall hands both kinds of write to the operating system at once.
        let write = || match changes.pop() {
            Some(only) if changes.is_empty() => self.apply_one(only),
            Some(last) => {
                changes.push(last);
                self.apply_batch(changes)
            }
            None => Ok(()),
        };
        self.stalls
            .watch(&self.database, &self.keyspace, || {
                self.visibility.while_applying(write)
            })
            .map_err(from_fjall)
    }

    fn apply_may_wait(&self) -> bool {
        self.stalls.may_wait(&self.keyspace)
    }

    fn sync(&self) -> Result<()> {
        self.journal.sync()?;
        // A sync of fjall's own may have failed, and taken the error with it.
        self.check_poison()
    }

    fn snapshot(&self) -> Result<FjallSnapshot> {
        Ok(self.snapshot_now())
    }

    fn stats(&self) -> Result<Stats> {
        let (database, keyspace) = (&self.database, &self.keyspace);
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let compacting = database.time_compacting().as_micros();
        let mut stats = Stats::default();
        stats.entries_estimate = Some(count(keyspace.approximate_len()));
        stats.disk_bytes = Some(database.disk_space().map_err(from_fjall)?);
        Ok(stats
            .with("journals", count(database.journal_count()), Unit::Count)
            .with("tables", count(keyspace.table_count()), Unit::Count)
            .with(
                "tables_level_0",
                count(keyspace.l0_table_count()),
                Unit::Count,
            )
            .with("write_buffer", database.write_buffer_size(), Unit::Bytes)
            .with(
                "flushes_waiting",
                count(database.outstanding_flushes()),
                Unit::Count,
            )
            .with("cache", database.cache_size(), Unit::Bytes)
            .with("cache_capacity", database.cache_capacity(), Unit::Bytes)
            .with(
                "compactions",
                count(database.compactions_completed()),
                Unit::Count,
            )
            .with(
                "compactions_running",
                count(database.active_compactions()),
                Unit::Count,
            )
            .with(
                "compaction_time",
                u64::try_from(compacting).unwrap_or(u64::MAX),
                Unit::Microseconds,
            ))
    }

    fn health(&self) -> Result<Health> {
        let mut health = Health::default();
        if let Err(error) = self.check_poison() {
            health = health.with("poisoned", error.message());
        }
        for file in cut_off(self.directory.path())? {
            health = health.with(
                "journal_cut",
                format!(
                    "after a crash the end of the journal could not be read and was set aside in {}; that \
                     is what a loss of power does to commits that were never synced. If the power was not \
                     lost, the disk damaged it: restore the store from a backup. Remove the file once that \
                     is settled",
                    file.display()
                ),
            );
        }
        let waiting = self.keyspace.sealed_memtable_count();
        let runs = self.keyspace.tree.l0_run_count();
        if waiting >= WAITING_BUFFERS_HALT || runs >= SLOW_RUNS {
            health = health.with(
                "write_stall",
                "writes come faster than files can be merged; slow down or use a faster disk",
            );
        }
        Ok(health)
    }

    fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        match maintenance {
            Maintenance::Compact => self.compact(),
            other => Err(Error::new(
                ErrorKind::Unsupported,
                format!("fjall has no {other:?} maintenance; it compacts and flushes"),
            )),
        }
    }
}

impl fmt::Debug for FjallEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallEngine")
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}

impl Drop for FjallEngine {
    fn drop(&mut self) {
        // A seal vouches for what is on the disk, which nobody knows any more.
        if self.journal.has_failed() || self.check_poison().is_err() {
            self.seal.withhold();
        } else if self.release.is_worthwhile() {
            // Nobody writes any more, so what is gathered is all there is.
            match self.flush() {
                Ok(()) => self.release.tell(),
                Err(_) => self.seal.withhold(),
            }
        }
    }
}

fn open_database(config: &FjallConfig, path: &Path) -> fjall::Result<(Database, Keyspace)> {
    let database = Database::builder(path)
        .cache_size(config.cache_bytes)
        .max_journaling_size(config.journal_bytes_max)
        .worker_threads(config.background_threads.get())
        .open()?;
    let keyspace = database.keyspace(KEYSPACE, || {
        KeyspaceCreateOptions::default().max_memtable_size(config.write_buffer_bytes)
    })?;
    Ok((database, keyspace))
}

/// The stored key, and the stored value if the change is a put.
fn stored(change: Change) -> (Slice, Option<Bytes>) {
    match change {
        Change::Put(put) => (
            flat_key::flat(put.key.as_key()).into(),
            Some(envelope::seal(&put.value, put.expires)),
        ),
        Change::Delete(key) => (flat_key::flat(key.as_key()).into(), None),
        // Refused by `apply`; a range holds no key of its own.
        Change::DeleteRange(range) => (Slice::from([flat_key::prefix(range.space())]), None),
    }
}
