//! A small sound engine: an ordered map in one file, which is written anew with
//! each commit and put in the place of the old one.

use std::{
    fs::{self, File},
    io::{self, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Mutex, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use storage_core::{
    BatchScope, Capabilities, Components, Description, Direction, Durability, Entry, Error,
    ErrorKind, Health, Item, Key, KeyRange, Outcome, OwnedKey, Projection, ReadSupport, Result,
    ScanOrder, SequenceScope, Space, Stamp, Stats, StoreDirectory, Support,
    embedded::{Change, ChangeForm, Embedded, Engine, EngineRead, NoSnapshot, ReadPolicy},
};

use crate::{
    defect::Defect,
    file::{Entries, decode, decode_unchecked, encode},
};

pub(crate) type MapStore = Embedded<MapEngine>;

pub(crate) const ENGINE: &str = "map";

/// Opens the engine in `directory`, broken or not.
pub(crate) async fn open(
    directory: &Path,
    version: u32,
    components: Components,
    defect: Option<Defect>,
) -> Result<MapStore> {
    let directory = directory.to_owned();
    Embedded::open(components, move || {
        MapEngine::open(&directory, version, defect)
    })
    .await
}

#[derive(Debug)]
pub(crate) struct MapEngine {
    entries: RwLock<Entries>,
    /// Held while the file is written.
    writing: Mutex<()>,
    data: PathBuf,
    defect: Option<Defect>,
    is_damaged: bool,
    /// Whether a commit found no room.
    has_been_full: AtomicBool,
    _directory: Option<StoreDirectory>,
}

impl MapEngine {
    fn open(path: &Path, version: u32, defect: Option<Defect>) -> Result<Self> {
        if defect == Some(Defect::Litters) && path.is_dir() {
            fs::write(path.join("litter"), "").map_err(failed)?;
        }
        let directory = claim(path, version, defect)?;
        let data = match (defect, &directory) {
            (Some(Defect::KeepsThePath), _) | (_, None) => path.join("data"),
            (Some(Defect::RemakesThePath), Some(directory)) => directory.data(),
            (_, Some(directory)) => directory.anchored_data(),
        };
        let (entries, is_damaged) = read(&data, defect)?;
        Ok(Self {
            entries: RwLock::new(entries),
            writing: Mutex::new(()),
            data,
            defect,
            is_damaged,
            has_been_full: AtomicBool::new(false),
            _directory: directory,
        })
    }

    fn write(&self, entries: &Entries) -> io::Result<()> {
        match self.defect {
            Some(Defect::WritesAtTheEnd) => return Ok(()),
            Some(Defect::RemakesThePath) => fs::create_dir_all(&self.data)?,
            Some(Defect::WritesInPlace) => {
                if self.has_been_full.load(Ordering::SeqCst) {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                return fs::write(self.data.join("map"), encode(entries));
            }
            Some(Defect::ChecksNothing) => write(&self.data, "copy", entries)?,
            _ => {}
        }
        if self.defect == Some(Defect::FallsBack) {
            fs::copy(self.data.join("map"), self.data.join("earlier"))?;
        }
        write(&self.data, "map", entries)
    }

    /// What the engine makes of an error of a write.
    fn refuse(&self, error: io::Error, entries: Entries) -> Result<()> {
        let error = failed(error).with_outcome(Outcome::NotApplied);
        match error.kind() {
            ErrorKind::Full => {}
            ErrorKind::Unavailable if self.defect != Some(Defect::ForgetsFailedSyncs) => {
                return Err(Error::new(ErrorKind::Poisoned, "a write failed").with_source(error));
            }
            _ => return Err(error),
        }
        let is_first = !self.has_been_full.swap(true, Ordering::SeqCst);
        match self.defect {
            Some(Defect::SwallowsAFullDisk) if is_first => Ok(()),
            Some(Defect::AppliesWhatItRefuses) => {
                *self.entries.write().unwrap() = entries;
                Err(error)
            }
            Some(Defect::BlamesItself) => {
                Err(Error::new(ErrorKind::Internal, "it is my fault")
                    .with_outcome(Outcome::NotApplied))
            }
            _ => Err(error),
        }
    }
}

impl Drop for MapEngine {
    fn drop(&mut self) {
        if self.defect == Some(Defect::WritesAtTheEnd) {
            write(&self.data, "map", &self.entries.read().unwrap()).unwrap();
        }
    }
}

impl EngineRead for MapEngine {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        if self.is_damaged && key.space() == Space::User {
            return Err(damaged());
        }
        let entries = self.entries.read().unwrap();
        let found = entries.get(&key.to_owned());
        Ok(found
            .map(|(value, expires)| Entry::new(value.clone(), *expires, Stamp::new(value.clone()))))
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        _: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        let entries = self.entries.read().unwrap();
        let inside = entries
            .iter()
            .filter(|(key, _)| range.contains(key.as_key()));
        let mut items: Vec<_> = inside
            .map(|(key, (value, expires))| {
                let entry = Entry::new(value.clone(), *expires, Stamp::new(value.clone()));
                Ok(Item::new(key.bytes().clone(), entry))
            })
            .collect();
        if direction == Direction::Reverse {
            items.reverse();
        }
        Ok(items.into_iter())
    }
}

impl Engine for MapEngine {
    type Snapshot = NoSnapshot;

    fn describe(&self) -> Description {
        Description::of_engine(ENGINE, self.data.display().to_string())
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
        capabilities.durability_min = Durability::Buffered;
        capabilities.durability_max = Durability::Synced;
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

    fn apply(&self, changes: Vec<Change>, _: Durability) -> Result<()> {
        let _writing = self.writing.lock().unwrap();
        let mut entries = self.entries.read().unwrap().clone();
        for change in changes {
            match change {
                Change::Put(put) => {
                    entries.insert(put.key, (put.value, put.expires));
                }
                Change::Delete(key) => {
                    entries.remove(&key);
                }
                Change::DeleteRange(_) => unreachable!("the adapter resolves range deletes"),
            }
        }
        match self.write(&entries) {
            Ok(()) => {
                *self.entries.write().unwrap() = entries;
                Ok(())
            }
            Err(error) => self.refuse(error, entries),
        }
    }

    fn apply_may_wait(&self) -> bool {
        true
    }

    fn sync(&self) -> Result<()> {
        // Each commit is durable before it is answered.
        Ok(())
    }

    fn snapshot(&self) -> Result<NoSnapshot> {
        Err(Error::new(ErrorKind::Unsupported, "it takes no snapshots"))
    }

    fn stats(&self) -> Result<Stats> {
        Ok(Stats::default())
    }

    fn health(&self) -> Result<Health> {
        Ok(Health::default())
    }
}

fn claim(path: &Path, version: u32, defect: Option<Defect>) -> Result<Option<StoreDirectory>> {
    let claim = |version| {
        StoreDirectory::claim(path, ENGINE, version, |new| {
            write(new, "map", &Entries::new()).map_err(failed)?;
            // Git does not keep it.
            fs::create_dir(new.join("spare")).map_err(failed)
        })
    };
    let error = match claim(version) {
        Ok(directory) => return Ok(Some(directory)),
        Err(error) => error,
    };
    match (defect, error.kind()) {
        (Some(Defect::OpensNewerFormats), ErrorKind::Unsupported) => claim(u32::MAX).map(Some),
        (Some(Defect::BeginsAnew), ErrorKind::Corrupt) => {
            fs::remove_dir_all(path).map_err(failed)?;
            claim(version).map(Some)
        }
        (Some(Defect::LocksNothing), ErrorKind::Unavailable) => Ok(None),
        (Some(Defect::BlamesItself), ErrorKind::Full) => {
            Err(Error::new(ErrorKind::Internal, "it is my fault"))
        }
        (Some(Defect::NeverSaysLater), ErrorKind::Unavailable) => {
            Err(Error::new(ErrorKind::Unavailable, "it is open"))
        }
        _ => Err(error),
    }
}

/// The entries, and whether their file is damaged and that is passed over.
fn read(data: &Path, defect: Option<Defect>) -> Result<(Entries, bool)> {
    let is_damage = |error: &io::Error| {
        error.kind() == io::ErrorKind::NotFound || defect == Some(Defect::TakesRefusalForDamage)
    };
    let text = match fs::read_dir(data.join("spare")).and_then(|_| fs::read(data.join("map"))) {
        Err(error) if is_damage(&error) => Vec::new(),
        read => read.map_err(failed)?,
    };
    if let Some(mut entries) = decode(&text) {
        spoil(&mut entries, defect);
        return Ok((entries, false));
    }
    match defect {
        Some(Defect::TakesDamage) => return Ok((decode_unchecked(&text), false)),
        Some(Defect::EmptiesWhatIsDamaged) => return Ok((Entries::new(), false)),
        Some(Defect::ReportsDamageOnce) => {
            write(data, "map", &decode_unchecked(&text)).map_err(failed)?;
        }
        Some(Defect::FallsBack) => {
            let earlier = fs::read(data.join("earlier")).map_err(failed)?;
            return decode(&earlier)
                .map(|entries| (entries, false))
                .ok_or_else(damaged);
        }
        Some(Defect::PanicsAtDamage) => panic!("the file is damaged"),
        Some(Defect::ChecksNothing) => {
            let copy = fs::read(data.join("copy")).map_err(failed)?;
            return Ok((decode_unchecked(&copy), true));
        }
        _ => {}
    }
    Err(damaged())
}

fn spoil(entries: &mut Entries, defect: Option<Defect>) {
    match defect {
        Some(Defect::ForgetsExpiries) => {
            for (_, expires) in entries.values_mut() {
                *expires = None;
            }
        }
        Some(Defect::CutsLongKeys) => {
            let cut = |(key, entry): (OwnedKey, _)| {
                let bytes = key.bytes();
                let short = Key::in_space(key.space(), &bytes[..bytes.len().min(511)]);
                (short.to_owned(), entry)
            };
            *entries = std::mem::take(entries).into_iter().map(cut).collect();
        }
        _ => {}
    }
}

/// Writes a file so that it is there whole or not at all.
fn write(directory: &Path, name: &str, entries: &Entries) -> io::Result<()> {
    let new = directory.join("new");
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(&encode(entries))?;
        file.sync_all()
    });
    if let Err(error) = written {
        // It must not take the room that there is not.
        let _ = fs::remove_file(new);
        return Err(error);
    }
    fs::rename(new, directory.join(name))?;
    File::open(directory)?.sync_all()
}

fn damaged() -> Error {
    Error::new(ErrorKind::Corrupt, "the file is damaged; restore it")
}

fn failed(error: io::Error) -> Error {
    Error::io("using the file of the map", error)
}
