//! A snapshot of any type, behind a pointer.

use std::{fmt, sync::Arc};

use super::dynamic::DynRead;
use crate::{
    Entry, Key, KeyRange, OwnedKey, Page, Read, ReadOptions, Result, ScanOptions, Sequence,
};

/// A snapshot whose type is forgotten. Clones are the same snapshot; it is
/// released with the last of them.
#[derive(Clone)]
pub struct SharedSnapshot(Arc<dyn DynRead>);

impl SharedSnapshot {
    /// Forgets the type of `snapshot`.
    pub(super) fn new(snapshot: impl Read) -> Self {
        Self(Arc::new(snapshot))
    }
}

#[deny(clippy::missing_trait_methods)]
impl Read for SharedSnapshot {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        self.0.dyn_get(key, options).await
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        self.0.dyn_get_many(keys, options).await
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.0.dyn_scan(range, options).await
    }

    fn sequence(&self) -> Option<Sequence> {
        self.0.dyn_sequence()
    }
}

impl fmt::Debug for SharedSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
