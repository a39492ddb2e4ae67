//! The engine: files behind the trait that embedded engines implement.

use std::{
    fmt,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

use storage_core::{
    Capabilities, CheckReport, Description, Direction, Durability, Entry, Error, ErrorKind, Health,
    Item, Key, KeyRange, Maintenance, MaintenanceReport, Mutation, OwnedKey, Projection, Random,
    Result, Stats, StoreDirectory,
    embedded::{
        Change, ChangeForm, Engine, EngineRead, PreparePolicy, Prepared, ReadPolicy, flat_key,
    },
};

use crate::{
    FsConfig, FsSnapshot,
    base::Base,
    error::{damaged, failed},
    files::{FileName, Folder, VALUES, ValueFiles},
    index::Index,
    log::{self, Log, record::StoreTag},
    recovery::recover,
    shared::Shared,
    upkeep::UpkeepThread,
    version::VersionId,
};

/// The name and version under which the directory is claimed.
const ENGINE: &str = "fs";
const FORMAT_VERSION: u32 = 1;

/// Scans and multi-gets of up to this many entries are tried on the caller's
/// thread.
const CACHED_ENTRIES_MAX: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// Files in directories as an embedded engine.
pub struct FsEngine {
    // INVARIANT: ended before the store is wound up, whose lock is then let go.
    upkeep: Option<UpkeepThread>,
    shared: Arc<Shared>,
    location: PathBuf,
    directory: StoreDirectory,
}

impl FsEngine {
    pub(crate) fn open(config: &FsConfig, random: &dyn Random) -> Result<Self> {
        let directory = StoreDirectory::claim(&config.path, ENGINE, FORMAT_VERSION, |new| {
            create(new, random)
        })?;
        let (watermark, mark) = directory.watermark()?;
        let data = Folder::open(&directory.data()).map_err(|error| failed("opening", "", error))?;
        let files = ValueFiles::open(&data, config.settling);
        let files = files.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => damaged(VALUES, "is missing"),
            _ => failed("opening", VALUES, error),
        })?;
        let recovered = recover(&data, &files, mark)?;
        let shared = Shared::new(data, files, watermark, recovered, config)
            .map_err(|error| failed("opening", "", error))?;
        let shared = Arc::new(shared);
        let upkeep = UpkeepThread::start(Arc::clone(&shared))
            .map_err(|error| failed("starting the upkeep of", "", error))?;
        shared.wake_if_needed();
        Ok(Self {
            upkeep: Some(upkeep),
            shared,
            location: config.path.clone(),
            directory,
        })
    }

    /// Where the value of a key is; nothing if there is no such entry, or its
    /// value has no bytes. The file holds the value itself, or, where its name
    /// ends in `.gz`, `.zst` or `.lz4`, what `zcat`, `zstdcat` or `lz4cat` make
    /// it of. It is never changed, and removed some time after the key has got
    /// another value: to be read, not to be kept.
    #[must_use]
    pub fn file_of(&self, key: Key<'_>) -> Option<PathBuf> {
        flat_key::with_flat(key, |flat| {
            let version = self.shared.state().index.get(flat)?;
            let name = FileName::new(flat, version.id, version.file()?.codec);
            Some(self.directory.data().join(VALUES).join(name.path()))
        })
    }
}

/// Makes the files of an empty store in `new`.
fn create(new: &Path, random: &dyn Random) -> Result<()> {
    let mut tag = [0; 8];
    random.fill(&mut tag)?;
    let store = StoreTag(u64::from_le_bytes(tag));
    let create = || {
        let data = Folder::open(new)?;
        data.make_folder(VALUES)?;
        let log = Log::first(Arc::new(data.create_log(&log::name(1))?), store)?;
        log.file().sync_all()?;
        let base = Base {
            store,
            number: 1,
            log_chain: log.chain(),
            next: VersionId(1),
            index: Index::default(),
            dead: Vec::new(),
        };
        base.write(&data)
    };
    match create() {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::io(
            format!("making a store in {}", new.display()),
            error,
        )),
    }
}

impl EngineRead for FsEngine {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        flat_key::with_flat(key, |flat| self.shared.present_entry(flat))
    }

    fn get_many(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        FsSnapshot::take(&self.shared).get_many(keys)
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        Ok(FsSnapshot::take(&self.shared).into_items(range, direction, projection))
    }

    fn get_cached(&self, key: Key<'_>) -> Option<Result<Option<Entry>>> {
        flat_key::with_flat(key, |flat| self.shared.present_cached_entry(flat))
    }

    fn get_many_cached(&self, keys: &[OwnedKey]) -> Option<Result<Vec<Option<Entry>>>> {
        FsSnapshot::take(&self.shared).get_many_cached(keys)
    }

    fn scan_cached(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Option<Result<Item>>>> {
        Ok(FsSnapshot::take(&self.shared).into_cached_items(range, direction, projection))
    }
}

impl Engine for FsEngine {
    type Snapshot = FsSnapshot;

    fn describe(&self) -> Description {
        Description::of_engine(ENGINE, self.location.display().to_string())
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::embedded();
        // Keys are kept in memory, so it is the user who pays for long ones.
        capabilities.key_bytes_max = 1 << 16;
        capabilities
    }

    fn read_policy(&self) -> ReadPolicy {
        ReadPolicy::Cached {
            entries_max: CACHED_ENTRIES_MAX,
        }
    }

    fn prepare_policy(&self) -> PreparePolicy {
        PreparePolicy::Unguarded
    }

    fn change_form(&self) -> ChangeForm {
        ChangeForm::Distinct
    }

    fn apply(&self, changes: Vec<Change>, _: Durability) -> Result<()> {
        // Both kinds of commit are handed to the operating system at once.
        self.shared.apply(changes, &[])
    }

    fn prepare(&self, mutations: &[Mutation]) -> Result<Option<Prepared>> {
        self.shared.prepare(mutations)
    }

    fn apply_prepared(
        &self,
        changes: Vec<Change>,
        prepared: &[Prepared],
        _: Durability,
    ) -> Result<()> {
        self.shared.apply(changes, prepared)
    }

    fn apply_may_wait(&self) -> bool {
        self.shared.may_wait()
    }

    fn sync(&self) -> Result<()> {
        self.shared.sync()
    }

    fn snapshot(&self) -> Result<FsSnapshot> {
        Ok(FsSnapshot::take(&self.shared))
    }

    fn stats(&self) -> Result<Stats> {
        Ok(self.shared.stats())
    }

    fn health(&self) -> Result<Health> {
        Ok(self.shared.health())
    }

    fn check(&self) -> Result<CheckReport> {
        self.shared.check()
    }

    fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        match maintenance {
            Maintenance::Compact => self.shared.compact_all(),
            other => Err(Error::new(
                ErrorKind::Unsupported,
                format!("a store of files has no {other:?} maintenance; it compacts and flushes"),
            )),
        }
    }
}

impl fmt::Debug for FsEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FsEngine")
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}

impl Drop for FsEngine {
    fn drop(&mut self) {
        drop(self.upkeep.take());
        // Whatever had to be durable is. What this leaves undone, the next open
        // does.
        let _ = self.shared.wind_up();
    }
}
