//! The store that the layer makes.

use std::{
    any::{Any, TypeId},
    future::Future,
    sync::{Arc, OnceLock},
};

use storage_core::{
    Capabilities, CheckReport, Clock, Committed, Components, Description, Entry, Health, Key,
    KeyRange, Maintenance, MaintenanceReport, Mutation, OwnedKey, Page, Put, Read, ReadOptions,
    Result, ScanOptions, Sequence, SnapshotOptions, Stats, Store, Unit, WriteBatch, WriteOptions,
    layer::Task,
};

use crate::{
    Cache, CacheConfig, Writes, cache::Demand, get::Get, hot, layer::NAME, marks::Marks,
    orphans::Orphans, second::Second,
};

/// What [`CacheLayer`](crate::CacheLayer) makes of a store. Clones are the same store.
#[derive(Debug)]
pub struct CacheStore<S> {
    shared: Arc<Shared<S>>,
}

/// What all clones share.
#[derive(Debug)]
pub(crate) struct Shared<S> {
    pub(crate) cache: Arc<Cache>,
    pub(crate) orphans: Orphans,
    pub(crate) capabilities: Capabilities,
    pub(crate) inner: Arc<S>,
    warming: OnceLock<Task>,
}

impl<S: Store> CacheStore<S> {
    pub(crate) fn new(
        config: CacheConfig,
        second: Option<Second>,
        inner: S,
        components: &Components,
    ) -> Self {
        let is_warmed = config.hot_set_entries > 0;
        let capabilities = config.capabilities(inner.capabilities());
        let cache = Cache::new(config, second, inner.capabilities(), inner.clock());
        let shared = Arc::new(Shared {
            capabilities,
            cache: Arc::new(cache),
            orphans: Orphans::default(),
            inner: Arc::new(inner),
            warming: OnceLock::new(),
        });
        if is_warmed {
            shared
                .warming
                .get_or_init(|| hot::begin(&shared, &components.executor));
        }
        Self { shared }
    }

    fn inner(&self) -> &S {
        &self.shared.inner
    }

    fn cache(&self) -> &Cache {
        &self.shared.cache
    }
}

impl<S> Clone for CacheStore<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

// A wrapper that relied on a default method would forget to forward it.
#[deny(clippy::missing_trait_methods)]
impl<S: Store> Read for CacheStore<S> {
    #[expect(clippy::inline_always, reason = "see `Get`")]
    #[inline(always)]
    fn get_with(
        &self,
        key: Key<'_>,
        options: &ReadOptions,
    ) -> impl Future<Output = Result<Option<Entry>>> + Send {
        let below = self.shared.get_unknown(key, options);
        Get::new(self.cache(), key, options, below)
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        match self.cache().demand(options.consistency) {
            Demand::Around => self.inner().get_many_with(keys, options).await,
            demand => self.shared.get_many(keys, options, demand).await,
        }
    }

    fn scan_with(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
    ) -> impl Future<Output = Result<Page>> + Send {
        self.inner().scan_with(range, options)
    }

    fn sequence(&self) -> Option<Sequence> {
        self.inner().sequence()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for CacheStore<S> {
    /// Snapshots are those of the store below: what they show is not what is cached.
    type Snapshot = S::Snapshot;

    fn describe(&self) -> Description {
        self.inner().describe().under(NAME)
    }

    fn capabilities(&self) -> &Capabilities {
        &self.shared.capabilities
    }

    fn clock(&self) -> &Clock {
        self.inner().clock()
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        let Shared {
            cache,
            orphans,
            inner,
            ..
        } = &*self.shared;
        orphans.ask();
        let put = match cache.config.writes {
            Writes::Forget => Vec::new(),
            Writes::ReadBack => keys_put(&batch),
        };
        let marks = Marks::begin(cache, &batch);
        let (inner, options) = (Arc::clone(inner), options.clone());
        let committed = orphans
            .drive(Box::pin(async move {
                let answer = inner.commit_with(batch, &options).await;
                marks.settle(&answer);
                answer
            }))
            .await?;
        if !put.is_empty() {
            let options = ReadOptions::new();
            let demand = cache.demand(options.consistency);
            // The commit stands, whatever becomes of this.
            let _ = self.shared.get_many(&put, &options, demand).await;
        }
        Ok(committed)
    }

    fn snapshot_with(
        &self,
        options: &SnapshotOptions,
    ) -> impl Future<Output = Result<Self::Snapshot>> + Send {
        self.inner().snapshot_with(options)
    }

    async fn stats(&self) -> Result<Stats> {
        let stats = self.inner().stats().await?;
        let cache = self.cache().stats();
        let hits = cache.memory.hits.saturating_add(cache.memory.negative_hits);
        let stats = match &self.cache().second {
            None => stats,
            Some(_) => stats
                .with("cache_second_hits", cache.second.hits, Unit::Count)
                .with("cache_second_misses", cache.second.misses, Unit::Count)
                .with("cache_second_failures", cache.second.failures, Unit::Count)
                .with("cache_second_epochs", cache.second.epochs, Unit::Count)
                .with("cache_second_bytes", cache.second.bytes, Unit::Bytes),
        };
        Ok(stats
            .with("cache_hits", hits, Unit::Count)
            .with("cache_misses", cache.memory.misses, Unit::Count)
            .with("cache_evictions", cache.memory.evictions, Unit::Count)
            .with("cache_entries", cache.memory.entries, Unit::Count)
            .with("cache_bytes", cache.memory.bytes, Unit::Bytes)
            .with("cache_warmed", cache.warmed, Unit::Count)
            .with(
                "cache_hot_set_failures",
                cache.hot_set_failures,
                Unit::Count,
            ))
    }

    fn health(&self) -> impl Future<Output = Result<Health>> + Send {
        self.inner().health()
    }

    fn check(&self) -> impl Future<Output = Result<CheckReport>> + Send {
        self.inner().check()
    }

    fn maintain(
        &self,
        maintenance: Maintenance,
    ) -> impl Future<Output = Result<MaintenanceReport>> + Send {
        self.inner().maintain(maintenance)
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        if id == TypeId::of::<Cache>() {
            return Some(self.cache());
        }
        self.inner().control(id)
    }

    /// A cache that was closed stays out of the way, also where the store below failed
    /// to close and goes on answering.
    async fn close(&self) -> Result<()> {
        if let Some(warming) = self.shared.warming.get() {
            warming.cancel();
        }
        let hottest = self.cache().close();
        if !hottest.is_empty() {
            self.shared.save_hot_set(&hottest).await;
        }
        match &self.cache().second {
            Some(second) => second.close(self.inner()).await,
            None => self.inner().close().await,
        }
    }
}

/// The keys that a batch puts, each once.
fn keys_put(batch: &WriteBatch) -> Vec<OwnedKey> {
    let mut keys: Vec<_> = batch
        .mutations()
        .iter()
        .filter_map(|mutation| match mutation {
            Mutation::Put(Put { key, .. }) => Some(key.clone()),
            _ => None,
        })
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
