//! The blocking façade as a store again, so that it can be certified like one.

use std::{
    any::{Any, TypeId},
    ops::Bound,
    sync::Arc,
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Description, Direction, Entry, Health, Key,
    KeyRange, Maintenance, MaintenanceReport, OwnedKey, Page, Read, ReadOptions, Result,
    ScanOptions, Sequence, SnapshotOptions, Stats, Store, WriteBatch, WriteOptions,
    blocking::Blocking,
};
use tokio::task::spawn_blocking;

/// A store or a snapshot whose blocking calls are waited for on threads of their
/// own.
#[derive(Debug)]
pub(crate) struct Waited<R>(Arc<Blocking<R>>);

impl<S: Store> Waited<S> {
    pub(crate) fn new(store: S) -> Result<Self> {
        Ok(Self(Arc::new(Blocking::new(store)?)))
    }
}

impl<R: Read> Waited<R> {
    async fn wait<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Blocking<R>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let blocking = Arc::clone(&self.0);
        spawn_blocking(move || call(&blocking)).await.unwrap()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<R: Read> Read for Waited<R> {
    async fn get_with(&self, key: Key<'_>, _: &ReadOptions) -> Result<Option<Entry>> {
        let key = key.to_owned();
        self.wait(move |blocking| blocking.get(&key)).await
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        _: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        let keys = keys.to_vec();
        self.wait(move |blocking| blocking.get_many(&keys)).await
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        let (range, options) = (range.clone(), options.clone());
        self.wait(move |blocking| page(blocking, range, &options))
            .await
    }

    fn sequence(&self) -> Option<Sequence> {
        self.0.sequence()
    }
}

/// A page of one entry. The façade has no pages of its own, and more entries than
/// one could be of more than one state of the store.
fn page<R: Read>(blocking: &Blocking<R>, range: KeyRange, options: &ScanOptions) -> Result<Page> {
    let single = options.clone().entries_max(options.entries_max.min(1));
    let Some(item) = blocking.scan(range.clone(), single).next().transpose()? else {
        return Ok(Page::default());
    };
    let (space, start, end) = range.into_bounds();
    let after = Bound::Excluded(item.key.clone());
    let next = match options.direction {
        Direction::Forward => KeyRange::from_bounds(space, after, end),
        Direction::Reverse => KeyRange::from_bounds(space, start, after),
    };
    Ok(Page::new(vec![item], Some(next)))
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for Waited<S> {
    type Snapshot = Waited<S::Snapshot>;

    fn describe(&self) -> Description {
        self.0.describe()
    }

    fn capabilities(&self) -> &Capabilities {
        self.0.capabilities()
    }

    fn clock(&self) -> &Clock {
        self.0.inner().clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        let options = options.clone();
        self.wait(move |blocking| blocking.commit_with(batch, &options))
            .await
    }

    async fn snapshot_with(&self, _: &SnapshotOptions) -> Result<Self::Snapshot> {
        self.wait(|blocking| Ok(Waited(Arc::new(blocking.snapshot()?))))
            .await
    }

    async fn stats(&self) -> Result<Stats> {
        self.wait(Blocking::stats).await
    }

    async fn health(&self) -> Result<Health> {
        self.wait(Blocking::health).await
    }

    async fn check(&self) -> Result<CheckReport> {
        self.wait(Blocking::check).await
    }

    async fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        self.wait(move |blocking| blocking.maintain(maintenance))
            .await
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.0.inner().control(id)
    }

    async fn close(&self) -> Result<()> {
        self.wait(Blocking::close).await
    }
}
