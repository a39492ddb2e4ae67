//! What of the value files may not be durable yet.

use std::{collections::BTreeSet, mem};

use super::name::{FileName, Shard};
use crate::version::VersionId;

/// Files and directories changed since they were last made durable.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    /// Files whose content is in the log too.
    pub(super) logged: Files,
    /// Files whose content is nowhere else.
    pub(super) bare: Files,
    /// Directories with new or removed names.
    pub(super) shards: BTreeSet<Shard>,
    /// No unsettled file has an earlier version.
    pub(super) oldest: Option<VersionId>,
    /// How many files there are.
    pub(super) count: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

/// Some files: by name while they are few.
#[derive(Debug)]
pub(super) enum Files {
    These(Vec<FileName>),
    Many,
}

/// Whether the content of a file is in the log too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backing {
    Logged,
    Bare,
}

impl Unsettled {
    /// So many directories are synced one by one; more, all at once.
    pub(super) const FEW_SHARDS: usize = 16;

    /// Takes note of a new file.
    pub(super) fn add(&mut self, name: FileName, bytes: u64, backing: Backing) {
        self.shards.insert(name.shard());
        self.note_oldest(name.id());
        self.count += 1;
        self.bytes += bytes;
        match backing {
            Backing::Logged => self.logged.add(name),
            Backing::Bare => self.bare.add(name),
        }
    }

    /// Takes note that nothing is known of the files with these versions.
    pub(super) fn add_unknown(&mut self, from: VersionId, to: VersionId) {
        if from >= to {
            return;
        }
        let (Shard(first), Shard(last)) = (Shard::of(from), Shard::of(to));
        self.shards.extend((first..=last).map(Shard));
        self.note_oldest(from);
        self.count += to.0 - from.0;
        self.logged = Files::Many;
        self.bare = Files::Many;
    }

    /// Takes everything but the bare files, which are synced by themselves.
    pub(super) fn take_logged(&mut self) -> (Files, BTreeSet<Shard>, Option<VersionId>) {
        let taken = mem::take(self);
        self.bare = taken.bare;
        if !self.bare.is_empty() {
            self.oldest = taken.oldest;
        }
        (taken.logged, taken.shards, taken.oldest)
    }

    fn note_oldest(&mut self, id: VersionId) {
        self.oldest = Some(self.oldest.map_or(id, |oldest| oldest.min(id)));
    }
}

impl Files {
    /// So many are made durable one by one; more, all at once.
    const FEW: usize = 32;

    fn add(&mut self, name: FileName) {
        match self {
            Self::These(names) if names.len() < Self::FEW => names.push(name),
            _ => *self = Self::Many,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::These(names) => names.is_empty(),
            Self::Many => false,
        }
    }
}

impl Default for Files {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}
