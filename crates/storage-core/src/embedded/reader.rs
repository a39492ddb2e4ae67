//! Reads of a store or a snapshot: judged against the capabilities, then run
//! where the engine's policy says.

use std::sync::Arc;

use super::{
    EngineRead, PreparePolicy, ReadPolicy, WritePolicy,
    page::{read_cached_page, read_page},
};
use crate::{
    Entry, Executor, Key, KeyRange, Operation, OwnedKey, Page, ReadOptions, Result, ScanOptions,
    adapter::{Facts, live},
};

/// Something whose engine can be called, for as long as it is open.
pub(super) trait Source: Send + Sync + 'static {
    type Engine: EngineRead;

    fn call<T>(&self, work: impl FnOnce(&Self::Engine) -> Result<T>) -> Result<T>;
}

/// What does not change while a store is open.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) facts: Facts,
    pub(super) read_policy: ReadPolicy,
    pub(super) write_policy: WritePolicy,
    pub(super) prepare_policy: PreparePolicy,
    pub(super) executor: Arc<dyn Executor>,
}

impl Context {
    /// Where a read of so many entries runs.
    pub(super) fn place_of(&self, entries: usize) -> Place {
        match self.read_policy {
            ReadPolicy::Inline { entries_max } if entries <= entries_max.get() => Place::Here,
            ReadPolicy::Cached { entries_max } if entries <= entries_max.get() => {
                Place::HereIfCached
            }
            _ => Place::Pool,
        }
    }
}

/// Where a read runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On the caller's thread.
    Here,
    /// There if the engine can tell without waiting, else on the pool.
    HereIfCached,
    /// On the pool.
    Pool,
}

/// Reads one source.
#[derive(Debug)]
pub(super) struct Reader<'a, S> {
    pub(super) source: &'a Arc<S>,
    pub(super) context: &'a Context,
}

impl<S: Source> Reader<'_, S> {
    pub(super) async fn get(self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        self.get_live(key, options).await.map_err(|error| {
            let facts = &self.context.facts;
            facts.annotated(error.with_key(key), Operation::Get)
        })
    }

    async fn get_live(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        self.context.facts.admit_read(key, options)?;
        let clock = &self.context.facts.clock;
        match self.context.read_policy {
            ReadPolicy::Inline { .. } => {
                return self.source.call(|engine| Ok(live(engine.get(key)?, clock)));
            }
            ReadPolicy::Cached { .. } => {
                let cached = self
                    .source
                    .call(|engine| engine.get_cached(key).transpose())?;
                if let Some(entry) = cached {
                    return Ok(live(entry, clock));
                }
            }
            ReadPolicy::Pool => {}
        }
        let key = key.to_owned();
        let entry = self.on_pool(move |engine| engine.get(key.as_key())).await?;
        Ok(live(entry, clock))
    }

    pub(super) async fn get_many(
        self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        self.get_many_live(keys, options)
            .await
            .map_err(|error| self.context.facts.annotated(error, Operation::Get))
    }

    async fn get_many_live(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        self.context.facts.admit_reads(keys, options)?;
        let here = match self.context.place_of(keys.len()) {
            Place::Here => Some(self.source.call(|engine| engine.get_many(keys))?),
            Place::HereIfCached => self
                .source
                .call(|engine| engine.get_many_cached(keys).transpose())?,
            Place::Pool => None,
        };
        let entries = if let Some(entries) = here {
            entries
        } else {
            let keys = keys.to_vec();
            self.on_pool(move |engine| engine.get_many(&keys)).await?
        };
        let clock = &self.context.facts.clock;
        Ok(entries
            .into_iter()
            .map(|entry| live(entry, clock))
            .collect())
    }

    pub(super) async fn scan(self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.scan_live(range, options)
            .await
            .map_err(|error| self.context.facts.annotated(error, Operation::Scan))
    }

    async fn scan_live(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        let Facts {
            capabilities,
            clock,
            ..
        } = &self.context.facts;
        capabilities.admit(&(range, options))?;
        let here = match self.context.place_of(options.entries_max) {
            Place::Here => self
                .source
                .call(|engine| read_page(engine, range, options, clock).map(Some)),
            Place::HereIfCached => self
                .source
                .call(|engine| read_cached_page(engine, range, options, clock)),
            Place::Pool => Ok(None),
        };
        if let Some(page) = here? {
            return Ok(page);
        }
        let (range, options, clock) = (range.clone(), options.clone(), clock.clone());
        self.on_pool(move |engine| read_page(engine, &range, &options, &clock))
            .await
    }

    async fn on_pool<T: Send + 'static>(
        &self,
        work: impl FnOnce(&S::Engine) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let source = Arc::clone(self.source);
        self.context.executor.run(move || source.call(work)).await
    }
}
