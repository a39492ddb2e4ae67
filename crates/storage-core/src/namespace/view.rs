//! One namespace of a store, as a store of its own.

use std::{
    any::{Any, TypeId},
    future::Future,
};

use super::Namespace;
use crate::{
    Admit, Capabilities, CheckReport, Clock, Committed, Description, Entry, Error, ErrorKind,
    Guard, Health, Item, Key, KeyRange, Maintenance, MaintenanceReport, Mutation, Operation,
    OwnedKey, Page, Put, Read, ReadOptions, Result, ScanOptions, Sequence, SequencedPut,
    SnapshotOptions, Space, Stats, Store, WriteBatch, WriteOptions,
};

/// What one namespace of a store holds, as a store of its own; and the same of
/// a snapshot.
///
/// Its user keys are those of the namespace, without the prefix. All else is
/// the whole store's: the system space, sequences, statistics, checks,
/// maintenance, and closing, which closes the store itself. Keys may be as much
/// shorter as the prefix is long, and the prefix counts towards the size of a
/// batch.
#[derive(Clone, Debug)]
pub struct Namespaced<R> {
    inner: R,
    namespace: Namespace,
    capabilities: Capabilities,
}

impl<S: Store> Namespaced<S> {
    /// The store that `namespace` of `store` is.
    #[must_use]
    pub fn new(store: S, namespace: Namespace) -> Self {
        let mut capabilities = store.capabilities().clone();
        capabilities.key_bytes_max = capabilities
            .key_bytes_max
            .saturating_sub(namespace.prefix().len());
        Self {
            inner: store,
            namespace,
            capabilities,
        }
    }
}

impl<R> Namespaced<R> {
    /// Judges a request by the limits of this view, so that a refusal names the
    /// sizes its caller knows and not those of the longer keys below.
    fn admit(&self, request: &impl Admit, operation: Operation) -> Result<()> {
        self.capabilities
            .admit(request)
            .map_err(|error| error.with_operation(operation))
    }

    fn key(&self, key: Key<'_>) -> OwnedKey {
        match key.space() {
            Space::User => self.namespace.key(key.bytes()),
            Space::System => key.to_owned(),
        }
    }

    fn page(&self, space: Space, page: Page) -> Result<Page> {
        if space == Space::System {
            return Ok(page);
        }
        let items = page.items.into_iter().map(|item| self.item(item));
        let next = page.next.and_then(|next| self.namespace.strip_range(next));
        Ok(Page::new(items.collect::<Result<_>>()?, next))
    }

    fn item(&self, item: Item) -> Result<Item> {
        match self.namespace.strip(&item.key) {
            Some(key) => Ok(Item::new(key, item.entry)),
            None => Err(Error::new(
                ErrorKind::Internal,
                "a scan returned a key from outside its range",
            )
            .with_key(&item.key)),
        }
    }

    fn batch(&self, batch: WriteBatch) -> WriteBatch {
        let (guards, mutations) = batch.into_parts();
        let guards = guards.into_iter().map(|guard| self.guard(guard));
        let mutations = mutations
            .into_iter()
            .map(|mutation| self.mutation(mutation));
        WriteBatch::from_parts(guards.collect(), mutations.collect())
    }

    fn guard(&self, guard: Guard) -> Guard {
        match guard {
            Guard::Absent(key) => Guard::Absent(self.key(key.as_key())),
            Guard::Present(key) => Guard::Present(self.key(key.as_key())),
            Guard::Unchanged(key, stamp) => Guard::Unchanged(self.key(key.as_key()), stamp),
        }
    }

    fn mutation(&self, mutation: Mutation) -> Mutation {
        match mutation {
            Mutation::Put(put) => Mutation::Put(Put {
                key: self.key(put.key.as_key()),
                ..put
            }),
            Mutation::PutSequenced(put) => Mutation::PutSequenced(SequencedPut {
                prefix: self.key(put.prefix.as_key()),
                ..put
            }),
            Mutation::Delete(key) => Mutation::Delete(self.key(key.as_key())),
            Mutation::DeleteRange(range) => Mutation::DeleteRange(self.namespace.range(range)),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<R: Read> Read for Namespaced<R> {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        self.admit(&key, Operation::Get)?;
        let key = self.key(key);
        self.inner.get_with(key.as_key(), options).await
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        for key in keys {
            self.admit(&key.as_key(), Operation::Get)?;
        }
        let keys: Vec<_> = keys.iter().map(|key| self.key(key.as_key())).collect();
        self.inner.get_many_with(&keys, options).await
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        let whole = self.namespace.range(range.clone());
        let page = self.inner.scan_with(&whole, options).await?;
        self.page(range.space(), page)
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner.sequence()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for Namespaced<S> {
    type Snapshot = Namespaced<S::Snapshot>;

    fn describe(&self) -> Description {
        self.inner.describe()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn clock(&self) -> &Clock {
        self.inner.clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        self.admit(&batch, Operation::Commit)?;
        self.inner.commit_with(self.batch(batch), options).await
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<Self::Snapshot> {
        Ok(Namespaced {
            inner: self.inner.snapshot_with(options).await?,
            namespace: self.namespace.clone(),
            capabilities: self.capabilities.clone(),
        })
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
