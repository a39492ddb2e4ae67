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
    collections::{BTreeSet, VecDeque},
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
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
    /// Directories in which files are made, the last few.
    open: Mutex<VecDeque<(Shard, Arc<Folder>)>>,
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
            open: Mutex::default(),
            unsettled: Mutex::default(),
            decoder: Decoder::default(),
            leaves_no_time: AtomicBool::new(true),
            tells_of_waits: AtomicBool::new(true),
        })
    }

    /// Whether a file can be made in a directory without making that first.
    pub(crate) fn is_open(&self, shard: Shard) -> bool {
        self.opened(shard).is_some()
    }

    /// Makes a directory for files to come, unless that has been done.
    pub(crate) fn open_shard(&self, shard: Shard) -> io::Result<Arc<Folder>> {
        /// Files are made in the last directory, or the one before.
        const OPEN_MAX: usize = 4;
        if let Some(folder) = self.opened(shard) {
            return Ok(folder);
        }
        // Others make files meanwhile: this waits for the disk.
        let folder = Arc::new(self.make_folder(shard)?);
        let mut open = self.open_folders();
        if let Some((_, folder)) = open.iter().find(|(open, _)| *open == shard) {
            // Somebody else made it meanwhile, ahead of its need or for it.
            return Ok(Arc::clone(folder));
        }
        open.push_back((shard, Arc::clone(&folder)));
        if open.len() > OPEN_MAX {
            open.pop_front();
        }
        Ok(folder)
    }

    /// Makes a file. If that fails, there is none.
    pub(crate) fn create(
        &self,
        name: &FileName,
        content: &[u8],
        backing: Backing,
    ) -> io::Result<()> {
        let folder = self.open_shard(name.shard())?;
        let mut file = folder.create(name.text())?;
        if let Err(error) = file.write_all(content) {
            // What cannot be removed is an orphan.
            let _ = folder.remove(name.text());
            return Err(error);
        }
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

    fn opened(&self, shard: Shard) -> Option<Arc<Folder>> {
        let open = self.open_folders();
        let found = open.iter().rev().find(|(open, _)| *open == shard);
        found.map(|(_, folder)| Arc::clone(folder))
    }

    fn open_folders(&self) -> MutexGuard<'_, VecDeque<(Shard, Arc<Folder>)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
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
