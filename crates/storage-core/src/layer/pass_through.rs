//! The layer that does nothing: the pattern for those that do something, and
//! the measure of what a layer costs by being there.

use std::{
    any::{Any, TypeId},
    future::Future,
};

use super::{Layer, LayerDeclaration, phase::Anywhere};
use crate::{
    Capabilities, CheckReport, Clock, Committed, Components, Description, Entry, Health, Key,
    KeyRange, Maintenance, MaintenanceReport, OwnedKey, Page, Read, ReadOptions, Result,
    ScanOptions, Sequence, SnapshotOptions, Stats, Store, WriteBatch, WriteOptions,
};

const NAME: &str = "pass-through";

/// Passes everything through.
#[derive(Clone, Copy, Debug, Default)]
pub struct PassThrough;

impl Layer for PassThrough {
    type Phase = Anywhere;
    type Store<S: Store> = PassThroughStore<S>;

    fn declaration(&self) -> LayerDeclaration {
        LayerDeclaration::new(NAME)
    }

    async fn wrap<S: Store>(self, inner: S, _: &Components) -> Result<PassThroughStore<S>> {
        Ok(PassThroughStore { inner })
    }
}

/// What [`PassThrough`] makes of a store, and of a store's snapshots.
#[derive(Clone, Debug)]
pub struct PassThroughStore<R> {
    inner: R,
}

// A wrapper that relied on a default method would forget to forward it.
#[deny(clippy::missing_trait_methods)]
impl<R: Read> Read for PassThroughStore<R> {
    fn get_with(
        &self,
        key: Key<'_>,
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Option<Entry>>> + Send {
        self.inner.get_with(key, options)
    }

    fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Vec<Option<Entry>>>> + Send {
        self.inner.get_many_with(keys, options)
    }

    fn scan_with(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> impl Future<Output = Result<Page>> + Send {
        self.inner.scan_with(range, options)
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for PassThroughStore<S> {
    type Snapshot = PassThroughStore<S::Snapshot>;

    fn describe(&self) -> Description {
        self.inner.describe().under(NAME)
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }

    fn commit_with(
        &self,
        batch: WriteBatch,
        options: &WriteOptions,
    ) -> impl Future<Output = Result<Committed>> + Send {
        self.inner.commit_with(batch, options)
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        let inner = self.inner.snapshot_with(options).await?;
        Ok(PassThroughStore { inner })
    }

    fn stats(&self) -> impl Future<Output = Result<Stats>> + Send {
        self.inner.stats()
    }

    fn health(&self) -> impl Future<Output = Result<Health>> + Send {
        self.inner.health()
    }

    fn check(&self) -> impl Future<Output = Result<CheckReport>> + Send {
        self.inner.check()
    }

    fn maintain(
        &self,
        maintenance: Maintenance,
    ) -> impl Future<Output = Result<MaintenanceReport>> + Send {
        self.inner.maintain(maintenance)
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.inner.control(id)
    }

    fn close(&self) -> impl Future<Output = Result<()>> + Send {
        self.inner.close()
    }
}
