//! Reads of a store or a snapshot: judged against the capabilities, then run
//! where the engine's policy says.

use std::sync::Arc;

use super::{
    EngineRead, ReadPolicy, WritePolicy,
    page::{read_cached_page, read_page},
};
use crate::{
    Capabilities, Clock, Description, Durability, Entry, Error, Executor, Key, KeyRange, Operation,
    OwnedKey, Page, ReadOptions, Result, ScanOptions,
};

/// Something whose engine can be called, for as long as it is open.
pub(super) trait Source: Send + Sync + 'static {
    type Engine: EngineRead;

    fn call<T>(&self, work: impl FnOnce(&Self::Engine) -> Result<T>) -> Result<T>;
}

/// What does not change while a store is open.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) description: Description,
    pub(super) capabilities: Capabilities,
    pub(super) read_policy: ReadPolicy,
    pub(super) write_policy: WritePolicy,
    /// What a commit is given that asks for `Buffered`.
    pub(super) buffered_as: Durability,
    pub(super) clock: Clock,
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

    /// What a commit is given that asks for `durability`, or leaves it open.
    pub(super) fn granted(&self, asked: Option<Durability>) -> Durability {
        match asked {
            Some(Durability::Buffered) => self.buffered_as,
            Some(asked) => asked,
            None => self.capabilities.durability_max,
        }
    }

    /// Says in an error which engine failed at what.
    pub(super) fn annotated(&self, error: Error, operation: Operation) -> Error {
        error
            .with_operation(operation)
            .with_layer(self.description.engine.clone())
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
        self.get_live(key, options)
            .await
            .map_err(|error| self.context.annotated(error.with_key(key), Operation::Get))
    }

    async fn get_live(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        let Context {
            capabilities,
            clock,
            ..
        } = self.context;
        capabilities.admit(&key)?;
        capabilities.admit(options)?;
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
            .map_err(|error| self.context.annotated(error, Operation::Get))
    }

    async fn get_many_live(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        let capabilities = &self.context.capabilities;
        for key in keys {
            capabilities.admit(&key.as_key())?;
        }
        capabilities.admit(options)?;
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
        let clock = &self.context.clock;
        Ok(entries
            .into_iter()
            .map(|entry| live(entry, clock))
            .collect())
    }

    pub(super) async fn scan(self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.scan_live(range, options)
            .await
            .map_err(|error| self.context.annotated(error, Operation::Scan))
    }

    async fn scan_live(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.context.capabilities.admit(&(range, options))?;
        let clock = &self.context.clock;
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

/// The entry, unless it has expired.
pub(super) fn live(entry: Option<Entry>, clock: &Clock) -> Option<Entry> {
    entry.filter(|entry| is_live(entry, clock))
}

/// Whether the entry has not expired. Most entries never do, and cost no look
/// at the clock.
pub(super) fn is_live(entry: &Entry, clock: &Clock) -> bool {
    entry.expires().is_none() || entry.is_live_at(clock.now())
}
