//! Snapshots of embedded stores.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    Engine,
    reader::{Reader, Source},
    store::Handle,
};
use crate::{
    Entry, Error, Key, KeyRange, OwnedKey, Page, Read, ReadOptions, Result, ScanOptions, Sequence,
    adapter::no_panic,
};

/// An unchanging view of an embedded store. It keeps the store open, and
/// answers `Closed` once the store was closed.
pub struct EmbeddedSnapshot<E: Engine> {
    cell: Arc<SnapshotCell<E>>,
    store: Arc<Handle<E>>,
    sequence: Option<Sequence>,
}

impl<E: Engine> EmbeddedSnapshot<E> {
    pub(super) fn new(
        cell: Arc<SnapshotCell<E>>,
        store: Arc<Handle<E>>,
        sequence: Option<Sequence>,
    ) -> Self {
        Self {
            cell,
            store,
            sequence,
        }
    }

    fn reader(&self) -> Reader<'_, SnapshotCell<E>> {
        Reader {
            source: &self.cell,
            context: &self.store.shared.context,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<E: Engine> Read for EmbeddedSnapshot<E> {
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

impl<E: Engine> fmt::Debug for EmbeddedSnapshot<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedSnapshot")
            .field("store", &self.store.shared)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

/// Holds the engine's snapshot until it is dropped or the store is closed.
pub(super) struct SnapshotCell<E: Engine> {
    snapshot: RwLock<Option<E::Snapshot>>,
}

impl<E: Engine> SnapshotCell<E> {
    pub(super) fn new(snapshot: E::Snapshot) -> Self {
        Self {
            snapshot: RwLock::new(Some(snapshot)),
        }
    }

    /// Frees the engine's snapshot.
    pub(super) fn end(&self) {
        let mut snapshot = self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *snapshot = None;
    }
}

impl<E: Engine> Source for SnapshotCell<E> {
    type Engine = E::Snapshot;

    fn call<T>(&self, work: impl FnOnce(&E::Snapshot) -> Result<T>) -> Result<T> {
        let snapshot = self.snapshot.read().unwrap_or_else(PoisonError::into_inner);
        let snapshot = snapshot.as_ref().ok_or_else(Error::closed)?;
        no_panic(|| work(snapshot))
    }
}
