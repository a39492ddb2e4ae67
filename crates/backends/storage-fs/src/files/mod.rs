//! Value files: made, read, removed, and made durable.
//!
//! A file is written once, under a name of its own, and never changed. Nothing
//! refers to it before the log does.

mod durable;
mod folder;
mod list;
mod name;
mod read;
mod system;
mod unsettled;

use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use self::{durable::Syncing, system::FileSystem, unsettled::Unsettled};
pub(crate) use self::{
    folder::{Folder, Kind},
    list::Listed,
    name::{FileName, Shard},
    read::ReadError,
    unsettled::Backing,
};
use crate::{Settling, codec::Decoder, wire::as_u64};

/// The name of the directory of all value files.
pub(crate) const VALUES: &str = "values";

/// The value files of a store.
pub(crate) struct ValueFiles {
    folder: Folder,
    system: FileSystem,
    /// The directory in which a file was made last.
    current: Mutex<Option<(Shard, Folder)>>,
    unsettled: Mutex<Unsettled>,
    syncing: Syncing,
    decoder: Decoder,
    /// Whether this user may read without leaving a time of access. The owner
    /// may, who then does not have it written with every first read.
    leaves_no_time: AtomicBool,
    /// Whether the file system can say that a read would have to wait.
    tells_of_waits: AtomicBool,
}

impl ValueFiles {
    /// The value files below the directory `data`.
    pub(crate) fn open(data: &Folder, settling: Settling) -> io::Result<Self> {
        let folder = data.folder(VALUES)?;
        let system = FileSystem::of(&folder);
        Ok(Self {
            folder,
            system,
            syncing: Syncing::of(system, settling),
            current: Mutex::default(),
            unsettled: Mutex::default(),
            decoder: Decoder::default(),
            leaves_no_time: AtomicBool::new(true),
            tells_of_waits: AtomicBool::new(true),
        })
    }

    /// Whether a file has been made, and so its directory has been seen to.
    pub(crate) fn is_begun(&self) -> bool {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.is_some()
    }

    /// Makes a file. If that fails, there is none.
    pub(crate) fn create(
        &self,
        name: &FileName,
        content: &[u8],
        backing: Backing,
    ) -> io::Result<()> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let shard = name.shard();
        let folder = match &mut *current {
            Some((open, folder)) if *open == shard => folder,
            other => &mut other.insert((shard, self.make_folder(shard)?)).1,
        };
        let mut file = folder.create(name.text())?;
        if let Err(error) = file.write_all(content) {
            // What cannot be removed is an orphan.
            let _ = folder.remove(name.text());
            return Err(error);
        }
        drop(current);
        self.unsettled()
            .add(name.clone(), as_u64(content.len()), backing);
        Ok(())
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, name: &FileName) -> io::Result<()> {
        self.folder.remove(name.path())?;
        self.unsettled().shards.insert(name.shard());
        Ok(())
    }

    /// Removes those of the directories that are empty, and what is empty above
    /// them. `current` is where files are made.
    pub(crate) fn remove_empty(&self, shards: &BTreeSet<Shard>, current: Shard) -> io::Result<()> {
        let mut groups = BTreeSet::new();
        for shard in shards.iter().filter(|shard| **shard < current) {
            if self.folder.remove_folder(&shard.path())? {
                groups.insert(shard.group());
            }
        }
        for group in groups.into_iter().filter(|group| *group < current.group()) {
            self.folder.remove_folder(&group.to_string())?;
        }
        Ok(())
    }

    /// The directory of a shard. Its own name is durable from now on, which is
    /// not seen to again for each of its files.
    fn make_folder(&self, shard: Shard) -> io::Result<Folder> {
        let group = shard.group().to_string();
        self.folder.make_folder(&group)?;
        self.folder.make_folder(&shard.path())?;
        self.folder.sync()?;
        self.folder.folder(&group)?.sync()?;
        self.folder.folder(&shard.path())
    }

    fn unsettled(&self) -> MutexGuard<'_, Unsettled> {
        self.unsettled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for ValueFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ValueFiles")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}
