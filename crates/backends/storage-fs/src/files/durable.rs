//! Making value files durable: a few one by one, many at once.
//!
//! To sync a file waits for the disk, and so do the next one and the directory.
//! Where there are many, the whole file system is synced instead, which takes
//! one wait, and whatever others have written to it. So this is done behind
//! commits, not within them: `docs/decisions/0021-fs-durability.md` gives the
//! figures.

use std::{collections::BTreeSet, io, mem};

use super::{
    Folder, Listed, Shard, ValueFiles,
    folder::unless_gone,
    name::FileName,
    system::FileSystem,
    unsettled::{Files, Unsettled},
};
use crate::{Settling, version::VersionId};

/// How many files are made durable at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syncing {
    /// By syncing the file system.
    Whole,
    /// By syncing each: of this file system nobody knows whether syncing all of
    /// it does as much.
    Each,
}

impl ValueFiles {
    /// How many files have been made since all were made durable, and how many
    /// bytes they have.
    pub(crate) fn unsettled_sum(&self) -> (u64, u64) {
        let unsettled = self.unsettled();
        (unsettled.count, unsettled.bytes)
    }

    /// Takes note that the files with these versions may not be durable.
    pub(crate) fn unsettle(&self, from: VersionId, to: VersionId) {
        self.unsettled().add_unknown(from, to);
    }

    /// Makes the files durable whose content is not in the log, and their names.
    /// To be called by one thread at a time: who finds nothing to do must be
    /// sure that it is done.
    pub(crate) fn sync_bare(&self) -> io::Result<()> {
        let (bare, oldest) = {
            let mut unsettled = self.unsettled();
            (mem::take(&mut unsettled.bare), unsettled.oldest)
        };
        match bare {
            Files::These(names) => {
                self.sync_files(&names)?;
                self.sync_shards(&names.iter().map(FileName::shard).collect())
            }
            Files::Many => self.sync_from(oldest, &BTreeSet::new()),
        }
    }

    /// Makes all files durable whose content is in the log, and all changes of
    /// names.
    pub(crate) fn sync_logged(&self) -> io::Result<()> {
        let (logged, shards, oldest) = self.unsettled().take_logged();
        match logged {
            Files::These(names) if shards.len() <= Unsettled::FEW_SHARDS => {
                self.sync_files(&names)?;
                self.sync_shards(&shards)
            }
            Files::These(_) | Files::Many => self.sync_from(oldest, &shards),
        }
    }

    /// Syncs every file from the version `oldest` on, and the directories of
    /// these and of `shards`.
    fn sync_from(&self, oldest: Option<VersionId>, shards: &BTreeSet<Shard>) -> io::Result<()> {
        match self.syncing {
            Syncing::Whole => sync_file_system(&self.folder),
            Syncing::Each => self.sync_each(oldest.unwrap_or_default(), shards),
        }
    }

    fn sync_each(&self, oldest: VersionId, shards: &BTreeSet<Shard>) -> io::Result<()> {
        let mut paths = Vec::new();
        let mut shards = shards.clone();
        self.for_each(Shard::of(oldest), |listed| {
            if let Listed::Value { id, shard, name } = listed
                && id >= oldest
            {
                paths.push(format!("{}/{name}", shard.path()));
                shards.insert(shard);
            }
        })?;
        for path in paths {
            self.sync_file(&path)?;
        }
        self.sync_shards(&shards)
    }

    fn sync_files(&self, names: &[FileName]) -> io::Result<()> {
        names
            .iter()
            .try_for_each(|name| self.sync_file(name.path()))
    }

    fn sync_file(&self, path: &str) -> io::Result<()> {
        match unless_gone(self.folder.read(path))? {
            Some(file) => file.sync_all(),
            None => Ok(()),
        }
    }

    fn sync_shards(&self, shards: &BTreeSet<Shard>) -> io::Result<()> {
        for shard in shards {
            if let Some(folder) = unless_gone(self.folder.folder(&shard.path()))? {
                folder.sync()?;
            }
        }
        Ok(())
    }
}

impl Syncing {
    pub(super) const fn of(system: FileSystem, settling: Settling) -> Self {
        match (settling, system) {
            (Settling::FileSystem, FileSystem::Memory | FileSystem::Known) => Self::Whole,
            (Settling::FileSystem, FileSystem::Other) | (Settling::Files, _) => Self::Each,
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn sync_file_system(folder: &Folder) -> io::Result<()> {
    Ok(rustix::fs::syncfs(folder.fd())?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn sync_file_system(_: &Folder) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
