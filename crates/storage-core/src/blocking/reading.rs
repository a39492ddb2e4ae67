//! Blocking reads, the same for stores and snapshots.

use super::{BlockingScan, driver::Driver};
use crate::{Entry, Key, KeyRange, OwnedKey, Read, ReadExt, Result, ScanOptions, Sequence};

/// A store or a snapshot whose calls wait for their answers: a
/// [`BlockingStore`](super::BlockingStore) or a
/// [`BlockingSnapshot`](super::BlockingSnapshot).
///
/// ```
/// use storage_core::{blocking::BlockingStore, memory::MemoryConfig};
///
/// # fn main() -> storage_core::Result<()> {
/// let store = BlockingStore::new(MemoryConfig::new().open())?;
/// store.put("planet/3", "Earth")?;
/// for item in store.scan_prefix("planet/") {
///     assert_eq!(item?.entry.as_ref(), b"Earth");
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Every call returns what the async one does. A store that needs timers and
/// sockets is driven by a runtime of its own; its calls are `Invalid` on a
/// thread of another Tokio runtime, which they could bring to a standstill.
#[derive(Clone, Debug)]
pub struct Blocking<R> {
    inner: R,
    driver: Driver,
}

impl<R> Blocking<R> {
    pub(super) const fn driven_by(driver: Driver, inner: R) -> Self {
        Self { inner, driver }
    }

    /// The store or snapshot itself.
    #[must_use]
    pub const fn inner(&self) -> &R {
        &self.inner
    }

    pub(super) const fn driver(&self) -> &Driver {
        &self.driver
    }
}

impl<R: Read> Blocking<R> {
    /// As [`ReadExt::get`].
    pub fn get<'a>(&self, key: impl Into<Key<'a>> + Send) -> Result<Option<Entry>> {
        self.driver.drive(self.inner.get(key))
    }

    /// As [`ReadExt::get_many`].
    pub fn get_many(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        self.driver.drive(self.inner.get_many(keys))
    }

    /// As [`ReadExt::exists`].
    pub fn exists<'a>(&self, key: impl Into<Key<'a>> + Send) -> Result<bool> {
        self.driver.drive(self.inner.exists(key))
    }

    /// As [`ReadExt::scan`].
    pub fn scan(&self, range: KeyRange, options: ScanOptions) -> BlockingScan<'_, R> {
        BlockingScan::new(&self.driver, self.inner.scan(range, options))
    }

    /// As [`ReadExt::scan_prefix`].
    pub fn scan_prefix(&self, prefix: impl Into<OwnedKey>) -> BlockingScan<'_, R> {
        BlockingScan::new(&self.driver, self.inner.scan_prefix(prefix))
    }

    /// As [`ReadExt::count`].
    pub fn count(&self, range: KeyRange) -> Result<u64> {
        self.driver.drive(self.inner.count(range))
    }

    /// As [`Read::sequence`].
    #[must_use]
    pub fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }
}
