//! The object-safe twins of `Read` and `Store`: the same methods, with boxed
//! futures.

use std::{
    any::{Any, TypeId},
    fmt::Debug,
    future::Future,
    pin::Pin,
};

use super::SharedSnapshot;
use crate::{
    Capabilities, CheckReport, Clock, Committed, Description, Entry, Health, Key, KeyRange,
    Maintenance, MaintenanceReport, OwnedKey, Page, Read, ReadOptions, Result, ScanOptions,
    Sequence, SnapshotOptions, Stats, Store, WriteBatch, WriteOptions,
};

/// The answer of a method, in a box.
pub(super) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// [`Read`], object-safe.
pub(super) trait DynRead: Debug + Send + Sync + 'static {
    fn dyn_get<'a>(&'a self, key: Key<'a>, options: &'a ReadOptions) -> Answer<'a, Option<Entry>>;

    fn dyn_get_many<'a>(
        &'a self,
        keys: &'a [OwnedKey],
        options: &'a ReadOptions,
    ) -> Answer<'a, Vec<Option<Entry>>>;

    fn dyn_scan<'a>(&'a self, range: &'a KeyRange, options: &'a ScanOptions) -> Answer<'a, Page>;

    fn dyn_sequence(&self) -> Option<Sequence>;
}

impl<R: Read> DynRead for R {
    fn dyn_get<'a>(&'a self, key: Key<'a>, options: &'a ReadOptions) -> Answer<'a, Option<Entry>> {
        Box::pin(self.get_with(key, options))
    }

    fn dyn_get_many<'a>(
        &'a self,
        keys: &'a [OwnedKey],
        options: &'a ReadOptions,
    ) -> Answer<'a, Vec<Option<Entry>>> {
        Box::pin(self.get_many_with(keys, options))
    }

    fn dyn_scan<'a>(&'a self, range: &'a KeyRange, options: &'a ScanOptions) -> Answer<'a, Page> {
        Box::pin(self.scan_with(range, options))
    }

    fn dyn_sequence(&self) -> Option<Sequence> {
        self.sequence()
    }
}

/// [`Store`], object-safe.
pub(super) trait DynStore: DynRead {
    fn dyn_describe(&self) -> Description;

    fn dyn_capabilities(&self) -> &Capabilities;

    fn dyn_clock(&self) -> &Clock;

    fn dyn_commit<'a>(
        &'a self,
        batch: WriteBatch,
        options: &'a WriteOptions,
    ) -> Answer<'a, Committed>;

    fn dyn_snapshot<'a>(&'a self, options: &'a SnapshotOptions) -> Answer<'a, SharedSnapshot>;

    fn dyn_stats(&self) -> Answer<'_, Stats>;

    fn dyn_health(&self) -> Answer<'_, Health>;

    fn dyn_check(&self) -> Answer<'_, CheckReport>;

    fn dyn_maintain(&self, maintenance: Maintenance) -> Answer<'_, MaintenanceReport>;

    fn dyn_control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)>;

    fn dyn_close(&self) -> Answer<'_, ()>;
}

impl<S: Store> DynStore for S {
    fn dyn_describe(&self) -> Description {
        self.describe()
    }

    fn dyn_capabilities(&self) -> &Capabilities {
        self.capabilities()
    }

    fn dyn_clock(&self) -> &Clock {
        self.clock()
    }

    fn dyn_commit<'a>(
        &'a self,
        batch: WriteBatch,
        options: &'a WriteOptions,
    ) -> Answer<'a, Committed> {
        Box::pin(self.commit_with(batch, options))
    }

    fn dyn_snapshot<'a>(&'a self, options: &'a SnapshotOptions) -> Answer<'a, SharedSnapshot> {
        Box::pin(async { self.snapshot_with(options).await.map(SharedSnapshot::new) })
    }

    fn dyn_stats(&self) -> Answer<'_, Stats> {
        Box::pin(self.stats())
    }

    fn dyn_health(&self) -> Answer<'_, Health> {
        Box::pin(self.health())
    }

    fn dyn_check(&self) -> Answer<'_, CheckReport> {
        Box::pin(self.check())
    }

    fn dyn_maintain(&self, maintenance: Maintenance) -> Answer<'_, MaintenanceReport> {
        Box::pin(self.maintain(maintenance))
    }

    fn dyn_control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.control(id)
    }

    fn dyn_close(&self) -> Answer<'_, ()> {
        Box::pin(self.close())
    }
}
