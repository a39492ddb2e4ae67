//! A store of any type, behind a pointer.

use std::{
    any::{Any, TypeId},
    fmt,
    future::Future,
    sync::Arc,
};

use super::{SharedSnapshot, dynamic::DynStore};
use crate::{
    Capabilities, CheckReport, Clock, Committed, Description, Entry, Health, Key, KeyRange,
    Maintenance, MaintenanceReport, OwnedKey, Page, Read, ReadOptions, Result, ScanOptions,
    Sequence, SnapshotOptions, Stats, Store, WriteBatch, WriteOptions,
};

/// A store whose type is forgotten. Clones are the same store.
///
/// ```
/// use storage_core::{SharedStore, StoreExt, memory::MemoryConfig};
///
/// # fn main() -> storage_core::Result<()> {
/// # storage_core::blocking::block_on(async {
/// let store: SharedStore = SharedStore::new(MemoryConfig::new().open());
/// store.put("planet/3", "Earth").await?;
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone)]
pub struct SharedStore(Arc<dyn DynStore>);

impl SharedStore {
    /// Forgets the type of `store`. One that is a `SharedStore` already stays
    /// as it is.
    #[must_use]
    pub fn new(store: impl Store) -> Self {
        let any: &dyn Any = &store;
        match any.downcast_ref::<Self>() {
            Some(shared) => shared.clone(),
            None => Self(Arc::new(store)),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Read for SharedStore {
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

#[deny(clippy::missing_trait_methods)]
impl Store for SharedStore {
    type Snapshot = SharedSnapshot;

    fn describe(&self) -> Description {
        self.0.dyn_describe()
    }

    fn capabilities(&self) -> &Capabilities {
        self.0.dyn_capabilities()
    }

    fn clock(&self) -> &Clock {
        self.0.dyn_clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        self.0.dyn_commit(batch, options).await
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<SharedSnapshot> {
        self.0.dyn_snapshot(options).await
    }

    fn stats(&self) -> impl Future<Output = Result<Stats>> + Send {
        self.0.dyn_stats()
    }

    fn health(&self) -> impl Future<Output = Result<Health>> + Send {
        self.0.dyn_health()
    }

    fn check(&self) -> impl Future<Output = Result<CheckReport>> + Send {
        self.0.dyn_check()
    }

    fn maintain(
        &self,
        maintenance: Maintenance,
    ) -> impl Future<Output = Result<MaintenanceReport>> + Send {
        self.0.dyn_maintain(maintenance)
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.0.dyn_control(id)
    }

    fn close(&self) -> impl Future<Output = Result<()>> + Send {
        self.0.dyn_close()
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReadExt, StoreExt, blocking::block_on, memory::MemoryConfig};

    #[test]
    fn clones_are_the_same_store() {
        let store = SharedStore::new(MemoryConfig::new().open());
        block_on(async {
            store.clone().put("a", "1").await.unwrap();
            let entry = store.get("a").await.unwrap().unwrap();
            assert_eq!(entry.as_ref(), b"1");
        });
    }

    #[test]
    fn a_shared_store_says_of_itself_what_the_store_says() {
        let store = MemoryConfig::new().open();
        let shared = SharedStore::new(store.clone());
        assert_eq!(shared.describe(), store.describe());
        assert_eq!(shared.capabilities(), store.capabilities());
        assert_eq!(format!("{shared:?}"), format!("{store:?}"));
    }

    #[test]
    fn sharing_twice_is_sharing_once() {
        let once = SharedStore::new(MemoryConfig::new().open());
        let twice = SharedStore::new(once.clone());
        assert!(Arc::ptr_eq(&once.0, &twice.0));
    }

    #[test]
    fn a_shared_snapshot_stays_as_it_is() {
        let store = SharedStore::new(MemoryConfig::new().open());
        block_on(async {
            store.put("a", "1").await.unwrap();
            let snapshot = store.snapshot().await.unwrap();
            store.put("a", "2").await.unwrap();
            let seen = snapshot.clone().get("a").await.unwrap().unwrap();
            assert_eq!(seen.as_ref(), b"1");
        });
    }
}
