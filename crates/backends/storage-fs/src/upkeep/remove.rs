//! Removing files: those that nobody needs any more, and those that no entry
//! ever named.

use std::{
    collections::{BTreeSet, HashMap},
    sync::atomic::Ordering,
};

use storage_core::Result;

use crate::{
    error::failed,
    files::{FileName, Listed, Shard, VALUES},
    shared::Shared,
    version::VersionId,
};

/// So many are taken at a time, so that nobody waits long for the list.
const TAKEN_MAX: usize = 256;

/// What is among value files and should not be.
#[derive(Debug, Default)]
pub(crate) struct Strays {
    /// Files that no entry names and nobody waits to remove.
    pub(crate) orphans: Vec<(Shard, String)>,
    /// Files that this engine does not make, by their paths.
    pub(crate) foreign: Vec<String>,
}

impl Shared {
    /// Removes the files of versions whose end is durable and that no snapshot
    /// shows; at most so many.
    pub(crate) fn remove_dead(&self, most: usize) -> Result<()> {
        let durable = self.synced.durable();
        self.is_tight.store(false, Ordering::Relaxed);
        let mut shards = BTreeSet::new();
        let mut left = most;
        while left > 0 {
            let taken = self.removals().take(durable, TAKEN_MAX.min(left));
            if taken.is_empty() {
                break;
            }
            left -= taken.len();
            for dead in taken {
                let removed = self.files.remove(&dead.name);
                removed.map_err(|error| removing(&dead.name, error))?;
                shards.insert(dead.name.shard());
            }
            self.removed.notify_all();
        }
        self.remove_empty_folders(&shards)
    }

    /// Removes the files that no entry names and nobody waits to remove. Nothing
    /// else may remove files meanwhile.
    pub(crate) fn remove_orphans(&self) -> Result<()> {
        let Strays { orphans, .. } = self.strays()?;
        let mut shards = BTreeSet::new();
        for (shard, name) in &orphans {
            let removed = self.files.remove_listed(*shard, name);
            removed.map_err(|error| failed("removing a file in", VALUES, error))?;
            shards.insert(*shard);
        }
        self.remove_empty_folders(&shards)
    }

    /// What is among value files and should not be. Nothing else may remove files
    /// meanwhile.
    pub(crate) fn strays(&self) -> Result<Strays> {
        // Between two commits every file is named by an entry or among the dead.
        let writer = self.writer();
        let (next, ahead) = self.versions.uncommitted();
        let state = self.state().clone();
        let digest = |name: &FileName| (name.id(), crc32fast::hash(name.text().as_bytes()));
        let removals = self.removals();
        let dead = removals.all().map(|dead| digest(&dead.name)).collect();
        drop(removals);
        drop(writer);
        let mut named: HashMap<VersionId, u32> = dead;
        state.index.for_each(|key, version| {
            if let Some(file) = version.file() {
                named.extend([digest(&FileName::new(key, version.id, file.codec))]);
            }
        });
        let mut strays = Strays::default();
        let listed = self.files.for_each(Shard(0), |listed| match listed {
            // They may be those of commits that are being applied.
            Listed::Value { id, .. } if id >= next || ahead.contains(&id) => {}
            Listed::Value { id, shard, name } => match named.get(&id) {
                None => strays.orphans.push((shard, name)),
                Some(digest) if *digest == crc32fast::hash(name.as_bytes()) => {}
                Some(_) => strays.foreign.push(format!("{}/{name}", shard.path())),
            },
            Listed::Foreign { path } => strays.foreign.push(path),
        });
        listed.map_err(|error| failed("reading", VALUES, error))?;
        Ok(strays)
    }

    fn remove_empty_folders(&self, shards: &BTreeSet<Shard>) -> Result<()> {
        let current = Shard::of(self.versions.floor());
        let removed = self.files.remove_empty(shards, current);
        removed.map_err(|error| failed("removing a directory in", VALUES, error))
    }
}

fn removing(name: &FileName, error: std::io::Error) -> storage_core::Error {
    failed("removing", &format!("{VALUES}/{}", name.shown()), error)
}
