//! Snapshots of stores across a network.

use std::{fmt, sync::Arc};

use super::{Engine, reader::Reader, reads::Reads, runtime::Task, shared::Taken, store::Handle};
use crate::{
    Entry, Key, KeyRange, OwnedKey, Page, Read, ReadOptions, Result, ScanOptions, Sequence,
};

/// An unchanging view of a store across a network. It keeps the store open, and
/// answers `Closed` once the store was closed, `SnapshotExpired` once it is older
/// than the capabilities say.
pub struct NetworkedSnapshot<E: Engine> {
    reads: Arc<Reads<E::Snapshot>>,
    sequence: Option<Sequence>,
    /// Ends the snapshot when it is too old.
    _expiry: Option<Task<()>>,
    store: Arc<Handle<E>>,
}

impl<E: Engine> NetworkedSnapshot<E> {
    pub(super) fn new((reads, sequence, expiry): Taken<E>, store: Arc<Handle<E>>) -> Self {
        Self {
            reads,
            sequence,
            _expiry: expiry,
            store,
        }
    }

    fn reader(&self) -> Reader<'_, E::Snapshot> {
        Reader {
            reads: &self.reads,
            facts: &self.store.shared.facts,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<E: Engine> Read for NetworkedSnapshot<E> {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        self.reader().get(key, options).await
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        self.reader().get_many(keys, options).await
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.reader().scan(range, options).await
    }

    fn sequence(&self) -> Option<Sequence> {
        self.sequence
    }
}

impl<E: Engine> fmt::Debug for NetworkedSnapshot<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkedSnapshot")
            .field("store", &self.store.shared)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}
