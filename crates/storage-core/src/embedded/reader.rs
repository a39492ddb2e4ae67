//! Reads of a store or a snapshot: judged against the capabilities, then run
//! where the engine's policy says.

use std::sync::Arc;

use super::{EngineRead, ReadPolicy, page::read_page};
use crate::{
    Capabilities, Clock, Description, Entry, Error, Executor, Key, KeyRange, Operation, OwnedKey,
    Page, ReadOptions, Result, ScanOptions,
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
    pub(super) clock: Clock,
    pub(super) executor: Arc<dyn Executor>,
}

impl Context {
    /// Whether a read of so many entries may run on the caller's thread.
    pub(super) fn runs_inline(&self, entries: usize) -> bool {
        match self.read_policy {
            ReadPolicy::Inline { entries_max } => entries <= entries_max.get(),
            ReadPolicy::Cached | ReadPolicy::Pool => false,
        }
    }

    /// Says in an error which engine failed at what.
    pub(super) fn annotated(&self, error: Error, operation: Operation) -> Error {
        error
            .with_operation(operation)
            .with_layer(self.description.engine.clone())
    }
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
            ReadPolicy::Cached => {
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
        let entries = if self.context.runs_inline(keys.len()) {
            self.source.call(|engine| engine.get_many(keys))?
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
        let clock = self.context.clock.clone();
        if self.context.runs_inline(options.entries_max) {
            return self
                .source
                .call(|engine| read_page(engine, range, options, &clock));
        }
        let (range, options) = (range.clone(), options.clone());
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
    entry.expires.is_none() || entry.is_live_at(clock.now())
}
