//! Blocking writes and all else that only stores have.

use std::{any::Any, future::Future, time::Duration};

use bytes::Bytes;

use super::{Blocking, BlockingSnapshot, driver::Driver};
use crate::{
    Capabilities, CheckReport, Committed, Description, Health, Key, KeyRange, Maintenance,
    MaintenanceReport, OwnedKey, Result, Stats, Store, StoreExt, WriteBatch, WriteOptions,
};

impl<S: Store> Blocking<S> {
    /// A blocking façade over `store`.
    ///
    /// A store that needs timers and sockets has tied its sockets to the
    /// runtime it was opened on; open it with [`Blocking::open`] instead.
    ///
    /// # Errors
    /// `Unsupported` if the store needs timers and sockets and the cargo
    /// feature `runtime` of `storage-core` is off.
    pub fn new(store: S) -> Result<Self> {
        let driver = Driver::for_store(store.describe().runtime)?;
        Ok(Self::driven_by(driver, store))
    }

    /// Waits for `opening` and puts a blocking façade over the store it opens.
    /// The future may use timers and sockets if the cargo feature `runtime` of
    /// `storage-core` is on.
    ///
    /// # Errors
    /// What `opening` returns, and as for [`Blocking::new`].
    pub fn open(opening: impl Future<Output = Result<S>>) -> Result<Self> {
        let driver = Driver::for_opening()?;
        let store = driver.drive(opening)?;
        let driver = driver.fitted_to(store.describe().runtime)?;
        Ok(Self::driven_by(driver, store))
    }

    /// As [`Store::describe`].
    #[must_use]
    pub fn describe(&self) -> Description {
        self.inner().describe()
    }

    /// As [`Store::capabilities`].
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        self.inner().capabilities()
    }

    /// As [`StoreExt::commit`].
    pub fn commit(&self, batch: WriteBatch) -> Result<Committed> {
        self.driver().drive(self.inner().commit(batch))
    }

    /// As [`Store::commit_with`].
    pub fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        self.driver()
            .drive(self.inner().commit_with(batch, options))
    }

    /// As [`StoreExt::put`].
    pub fn put(&self, key: impl Into<OwnedKey>, value: impl Into<Bytes>) -> Result<Committed> {
        self.driver().drive(self.inner().put(key, value))
    }

    /// As [`StoreExt::put_for`].
    pub fn put_for(
        &self,
        key: impl Into<OwnedKey>,
        value: impl Into<Bytes>,
        time_to_live: Duration,
    ) -> Result<Committed> {
        self.driver()
            .drive(self.inner().put_for(key, value, time_to_live))
    }

    /// As [`StoreExt::delete`].
    pub fn delete<'a>(&self, key: impl Into<Key<'a>> + Send) -> Result<bool> {
        self.driver().drive(self.inner().delete(key))
    }

    /// As [`StoreExt::delete_range`].
    pub fn delete_range(&self, range: KeyRange) -> Result<Committed> {
        self.driver().drive(self.inner().delete_range(range))
    }

    /// As [`StoreExt::compare_and_swap`].
    pub fn compare_and_swap<'a>(
        &self,
        key: impl Into<Key<'a>> + Send,
        expected: Option<&[u8]>,
        new: Option<Bytes>,
    ) -> Result<Committed> {
        self.driver()
            .drive(self.inner().compare_and_swap(key, expected, new))
    }

    /// As [`StoreExt::snapshot`].
    pub fn snapshot(&self) -> Result<BlockingSnapshot<S>> {
        let snapshot = self.driver().drive(self.inner().snapshot())?;
        Ok(Blocking::driven_by(self.driver().clone(), snapshot))
    }

    /// As [`Store::stats`].
    pub fn stats(&self) -> Result<Stats> {
        self.driver().drive(self.inner().stats())
    }

    /// As [`Store::health`].
    pub fn health(&self) -> Result<Health> {
        self.driver().drive(self.inner().health())
    }

    /// As [`Store::check`].
    pub fn check(&self) -> Result<CheckReport> {
        self.driver().drive(self.inner().check())
    }

    /// As [`Store::maintain`].
    pub fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        self.driver().drive(self.inner().maintain(maintenance))
    }

    /// As [`StoreExt::find`].
    #[must_use]
    pub fn find<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.inner().find()
    }

    /// As [`Store::close`].
    pub fn close(&self) -> Result<()> {
        self.driver().drive(self.inner().close())
    }
}
