//! A small sound engine, an ordered map with a log of its changes, and the ways
//! to break it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Mutex, RwLock},
    thread,
    time::Duration,
};

use bytes::Bytes;
use storage_core::{
    BatchScope, Capabilities, Components, CrashOrder, Description, Direction, Durability, Entry,
    Error, ErrorKind, Health, Item, Key, KeyRange, OwnedKey, Projection, Put, ReadSupport, Result,
    ScanOrder, SequenceScope, SharedStore, Stamp, Stats, StoreDirectory, Support,
    embedded::{Change, ChangeForm, Embedded, Engine, EngineRead, ReadPolicy},
};

use super::record;

/// What a broken log engine does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Buffered commits stay in the process for a while.
    KeepsBufferedInMemory,
    /// Deletes are left out when the log is read.
    ForgetsDeletes,
    /// The changes of one commit are two records.
    SplitsBatches,
    /// Buffered commits are written before the volatile ones that came first.
    WritesVolatileLast,
    /// Any two entries have the same stamp.
    StampsAlike,
    /// The first two values of a record are recovered under each other's keys.
    ExchangesValues,
    /// Expiries are left out when the log is read.
    ForgetsExpiries,
    /// There is one more key than the log tells of.
    InventsKey,
    /// A log that holds anything is refused.
    OpensOnce,
    /// The log is written and never synced.
    NeverSyncs,
    /// The log is synced soon after it was said to be.
    SyncsLate,
    /// The log is made in a directory that is never synced.
    ForgetsDirectory,
    /// When opened, the log is written anew under another name, which is moved
    /// to its place before the content is durable.
    MovesUnsynced,
    /// A commit is not answered for a long time.
    Stalls,
    /// Checksums are not looked at.
    TakesTornRecords,
}

/// Opens the engine in `directory`, broken or not.
pub(crate) async fn open(
    directory: PathBuf,
    components: Components,
    defect: Option<Defect>,
) -> Result<SharedStore> {
    let opened = Embedded::open(components, move || LogEngine::open(&directory, defect));
    Ok(SharedStore::new(opened.await?))
}

/// Every change is appended to one file, and applied again at the next open.
#[derive(Debug)]
pub(crate) struct LogEngine {
    map: RwLock<Map>,
    log: Mutex<Log>,
    /// The same file as the log's, so that a sync keeps no commit waiting.
    synced: File,
    defect: Option<Defect>,
    directory: StoreDirectory,
}

#[derive(Debug)]
struct Log {
    file: File,
    /// Volatile commits that no durable one has followed yet.
    pending: Vec<u8>,
    /// How many there were since it was opened.
    commits: usize,
}

impl LogEngine {
    fn open(path: &Path, defect: Option<Defect>) -> Result<Self> {
        let directory = StoreDirectory::claim(path, "log", 1, |new| {
            File::create_new(new.join("log"))
                .and_then(|file| file.sync_all())
                .map_err(failed)
        })?;
        let path = match defect {
            Some(Defect::ForgetsDirectory) => late_log(&directory.data()).map_err(failed)?,
            _ => directory.data().join("log"),
        };
        let text = fs::read(&path).map_err(failed)?;
        if defect == Some(Defect::OpensOnce) && !text.is_empty() {
            return Err(Error::new(ErrorKind::Corrupt, "the log is not empty"));
        }
        let mut map = Map::default();
        let mut whole = 0;
        while let Some((mut changes, length)) = record::decode(&text[whole..], defect) {
            spoil(&mut changes, defect);
            map.apply(changes, defect);
            whole += length;
        }
        if defect == Some(Defect::InventsKey) {
            map.apply(vec![Change::Put(Put::new("proof", "invented"))], defect);
        }
        if defect == Some(Defect::MovesUnsynced) {
            move_unsynced(&directory.data(), &text[..whole]).map_err(failed)?;
        }
        let file = File::options().append(true).open(&path).map_err(failed)?;
        // What comes after a record that was cut off would never be read.
        file.set_len(whole.try_into().unwrap_or(u64::MAX))
            .map_err(failed)?;
        Ok(Self {
            map: RwLock::new(map),
            synced: file.try_clone().map_err(failed)?,
            log: Mutex::new(Log {
                file,
                pending: Vec::new(),
                commits: 0,
            }),
            defect,
            directory,
        })
    }

    fn append(&self, log: &mut Log, record: &[u8], durability: Durability) -> io::Result<()> {
        const PENDING_BYTES_MAX: usize = 64 << 10;
        let stays = durability == Durability::Volatile
            || self.defect == Some(Defect::KeepsBufferedInMemory);
        if !stays && self.defect == Some(Defect::WritesVolatileLast) {
            return log.file.write_all(record);
        }
        log.pending.extend_from_slice(record);
        if stays && log.pending.len() < PENDING_BYTES_MAX {
            return Ok(());
        }
        log.flush()
    }
}

impl Log {
    fn flush(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.file.write_all(&pending)
    }
}

impl EngineRead for LogEngine {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        self.map.read().unwrap().get(key)
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        let map = self.map.read().unwrap();
        let items: Vec<_> = map.scan(range, direction, projection)?.collect();
        Ok(items.into_iter())
    }
}

impl Engine for LogEngine {
    type Snapshot = Map;

    fn describe(&self) -> Description {
        Description::of_engine("log", self.directory.path().display().to_string())
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::least();
        capabilities.batch = BatchScope::Store;
        capabilities.batch_operations_max = 1 << 20;
        capabilities.batch_bytes_max = 256 << 20;
        capabilities.expiry = Support::Supported;
        capabilities.guards = Support::Supported;
        capabilities.range_deletes = Support::Supported;
        capabilities.scan_order = ScanOrder::Ordered;
        capabilities.reads = ReadSupport::Linearizable;
        capabilities.durability_max = Durability::Synced;
        capabilities.crash_order = CrashOrder::Suffix;
        capabilities.sequence = SequenceScope::Store;
        capabilities
    }

    fn read_policy(&self) -> ReadPolicy {
        ReadPolicy::Inline {
            entries_max: NonZeroUsize::MAX,
        }
    }

    fn change_form(&self) -> ChangeForm {
        ChangeForm::Distinct
    }

    fn apply(&self, changes: Vec<Change>, durability: Durability) -> Result<()> {
        const BEFORE_THE_STALL: usize = 50;
        let mut log = self.log.lock().unwrap();
        log.commits += 1;
        if self.defect == Some(Defect::Stalls) && log.commits == BEFORE_THE_STALL {
            // So short that a child that may close its store is not late.
            thread::sleep(Duration::from_secs(15));
        }
        let halves = if self.defect == Some(Defect::SplitsBatches) {
            changes.split_at(changes.len() / 2)
        } else {
            (&changes[..0], &changes[..])
        };
        if !halves.0.is_empty() {
            self.append(&mut log, &record::encode(halves.0), durability)
                .map_err(failed)?;
            thread::sleep(Duration::from_millis(1));
        }
        self.append(&mut log, &record::encode(halves.1), durability)
            .map_err(failed)?;
        self.map.write().unwrap().apply(changes, self.defect);
        Ok(())
    }

    fn apply_may_wait(&self) -> bool {
        matches!(self.defect, Some(Defect::SplitsBatches | Defect::Stalls))
    }

    fn sync(&self) -> Result<()> {
        self.log.lock().unwrap().flush().map_err(failed)?;
        match self.defect {
            Some(Defect::NeverSyncs) => Ok(()),
            Some(Defect::SyncsLate) => {
                let synced = self.synced.try_clone().map_err(failed)?;
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(1));
                    synced.sync_data().unwrap();
                });
                Ok(())
            }
            _ => self.synced.sync_data().map_err(failed),
        }
    }

    fn snapshot(&self) -> Result<Map> {
        Err(Error::new(ErrorKind::Unsupported, "it takes no snapshots"))
    }

    fn stats(&self) -> Result<Stats> {
        Ok(Stats::default())
    }

    fn health(&self) -> Result<Health> {
        Ok(Health::default())
    }
}

/// What the log amounts to.
#[derive(Debug, Default)]
pub(crate) struct Map {
    entries: BTreeMap<OwnedKey, Entry>,
    /// How many puts there were, to stamp entries with.
    puts: u64,
}

impl Map {
    fn apply(&mut self, changes: Vec<Change>, defect: Option<Defect>) {
        for change in changes {
            match change {
                Change::Put(put) => {
                    if defect != Some(Defect::StampsAlike) {
                        self.puts += 1;
                    }
                    let stamp = Stamp::new(Bytes::copy_from_slice(&self.puts.to_be_bytes()));
                    let entry = Entry::new(put.value, put.expires, stamp);
                    self.entries.insert(put.key, entry);
                }
                Change::Delete(key) => {
                    self.entries.remove(&key);
                }
                Change::DeleteRange(_) => unreachable!("the adapter resolves range deletes"),
            }
        }
    }
}

impl EngineRead for Map {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        Ok(self.entries.get(&key.to_owned()).cloned())
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        _: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        let inside = |key: &OwnedKey| range.contains(key.as_key());
        let mut items: Vec<_> = self
            .entries
            .iter()
            .filter(|(key, _)| inside(key))
            .map(|(key, entry)| Ok(Item::new(key.bytes().clone(), entry.clone())))
            .collect();
        if direction == Direction::Reverse {
            items.reverse();
        }
        Ok(items.into_iter())
    }
}

/// Where the log is that no sync of a directory follows.
fn late_log(data: &Path) -> io::Result<PathBuf> {
    let path = data.join("late-log");
    File::options().create(true).append(true).open(&path)?;
    Ok(path)
}

/// Puts a new log in the place of the old, name first.
fn move_unsynced(data: &Path, text: &[u8]) -> io::Result<()> {
    let new = data.join("log.new");
    fs::write(&new, text)?;
    fs::rename(&new, data.join("log"))?;
    File::open(data)?.sync_all()
}

/// What a broken engine makes of a record that it reads.
fn spoil(changes: &mut Vec<Change>, defect: Option<Defect>) {
    match defect {
        Some(Defect::ForgetsDeletes) => {
            changes.retain(|change| !matches!(change, Change::Delete(_)));
        }
        Some(Defect::ForgetsExpiries) => {
            for change in changes {
                if let Change::Put(put) = change {
                    put.expires = None;
                }
            }
        }
        Some(Defect::ExchangesValues) => {
            let mut puts = changes.iter_mut().filter_map(|change| match change {
                Change::Put(put) => Some(put),
                _ => None,
            });
            if let (Some(first), Some(second)) = (puts.next(), puts.next()) {
                std::mem::swap(&mut first.value, &mut second.value);
            }
        }
        _ => {}
    }
}

fn failed(error: io::Error) -> Error {
    Error::io("using the log", error)
}
