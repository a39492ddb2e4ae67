//! The store that the adapter makes of an embedded engine.

use std::{
    any::{Any, TypeId},
    fmt,
    sync::Arc,
    thread,
};

use super::{
    Engine,
    reader::{Reader, Source},
    sequence::Sequencer,
    shared::{Shared, Taken},
    snapshot::EmbeddedSnapshot,
};
use crate::{
    Capabilities, CheckReport, Clock, Committed, Components, Damage, Description, Direction, Entry,
    ErrorKind, Health, Key, KeyRange, Maintenance, MaintenanceReport, Operation, Outcome, OwnedKey,
    Page, Projection, Read, ReadOptions, Result, ScanOptions, Sequence, SnapshotOptions, Space,
    Stats, Store, WriteBatch, WriteOptions, adapter::no_panic,
};

/// A store over an embedded engine. Clones are handles to the same store.
///
/// Dropping the last handle closes the store on the dropping thread, which
/// cannot report an error: call [`close`](Store::close).
pub struct Embedded<E: Engine> {
    handle: Arc<Handle<E>>,
}

impl<E: Engine> Embedded<E> {
    /// Makes a store of `engine`. Blocks while the engine reads what it needs.
    ///
    /// # Errors
    /// What the engine's reads report.
    pub fn new(engine: E, components: &Components) -> Result<Self> {
        Ok(Self::of_shared(Shared::recover(engine, components)?))
    }

    /// Makes a store of an engine that starts empty, so that nothing needs to
    /// be read.
    #[must_use]
    pub(crate) fn of_new(engine: E, components: &Components) -> Self {
        Self::of_shared(Shared::with_sequencer(
            engine,
            Sequencer::starting(),
            components,
        ))
    }

    /// Calls `open` on the pool and makes a store of the engine it returns. A
    /// panic of the engine, which damaged files may provoke, is an error.
    ///
    /// # Errors
    /// What `open` and the engine's reads report.
    pub async fn open(
        components: Components,
        open: impl FnOnce() -> Result<E> + Send + 'static,
    ) -> Result<Self> {
        let executor = Arc::clone(&components.executor);
        executor
            .run(move || no_panic(|| Self::new(open()?, &components)))
            .await
            .map_err(|error| error.with_operation(Operation::Open))
    }

    /// Calls the engine on the pool, for what only this engine can do. Found
    /// below layers and in a `SharedStore` by
    /// [`find`](crate::StoreExt::find).
    ///
    /// Write through the store only. What `work` writes by [`Engine::apply`]
    /// passes the order point by: guards that are being judged do not see it,
    /// it has no sequence, snapshots may hold it without counting it, and it may
    /// run beside another `apply`, which engines need not bear.
    ///
    /// # Errors
    /// What `work` reports; `Closed` once the store is closed. A panic is an
    /// error of kind `Internal`.
    ///
    /// # Cancel safety
    /// Once begun, `work` goes to its end.
    pub async fn with_engine<T: Send + 'static>(
        &self,
        work: impl FnOnce(&E) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.on_pool(Operation::Maintain, |_, engine| work(engine))
            .await
    }

    fn of_shared(shared: Shared<E>) -> Self {
        Self {
            handle: Arc::new(Handle {
                shared: Arc::new(shared),
            }),
        }
    }

    fn shared(&self) -> &Arc<Shared<E>> {
        &self.handle.shared
    }

    fn reader(&self) -> Reader<'_, Shared<E>> {
        Reader {
            source: self.shared(),
            context: &self.shared().context,
        }
    }

    /// Calls the engine on the pool.
    async fn on_pool<T: Send + 'static>(
        &self,
        operation: Operation,
        work: impl FnOnce(&Shared<E>, &E) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let shared = Arc::clone(self.shared());
        self.shared()
            .context
            .executor
            .run(move || shared.call(|engine| work(&shared, engine)))
            .await
            .map_err(|error| self.shared().context.facts.annotated(error, operation))
    }

    async fn take_snapshot(&self, options: &SnapshotOptions) -> Result<Taken<E>> {
        let capabilities = &self.shared().context.facts.capabilities;
        capabilities.admit(options)?;
        match self.shared().try_snapshot() {
            Some(taken) => taken,
            None => self.shared().snapshot_in_turn().await,
        }
    }

    async fn commit_admitted(
        &self,
        batch: WriteBatch,
        options: &WriteOptions,
    ) -> Result<Committed> {
        let facts = &self.shared().context.facts;
        facts.capabilities.admit(&(&batch, options))?;
        let durability = facts.granted(options.durability);
        self.shared().commit(batch, durability).await
    }
}

#[deny(clippy::missing_trait_methods)]
impl<E: Engine> Read for Embedded<E> {
    async fn get_with(&self, key: Key<'_>, options: &ReadOptions) -> Result<Option<Entry>> {
        self.reader().get(key, options).await
    }

    async fn get_many_with(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
    ) -> Result<Vec<Option<Entry>>> {
        self.reader().get_many(keys, options).await
    }

    async fn scan_with(&self, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
        self.reader().scan(range, options).await
    }

    fn sequence(&self) -> Option<Sequence> {
        Some(self.shared().order.applied())
    }
}

#[deny(clippy::missing_trait_methods)]
impl<E: Engine> Store for Embedded<E> {
    type Snapshot = EmbeddedSnapshot<E>;

    fn describe(&self) -> Description {
        self.shared().context.facts.description.clone()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.shared().context.facts.capabilities
    }

    fn clock(&self) -> &Clock {
        &self.shared().context.facts.clock
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        self.commit_admitted(batch, options).await.map_err(|error| {
            let error = error.or_outcome(Outcome::NotApplied);
            let facts = &self.shared().context.facts;
            facts.annotated(error, Operation::Commit)
        })
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<EmbeddedSnapshot<E>> {
        let facts = &self.shared().context.facts;
        let (snapshot, sequence) = self
            .take_snapshot(options)
            .await
            .map_err(|error| facts.annotated(error, Operation::Snapshot))?;
        Ok(EmbeddedSnapshot::new(
            snapshot,
            Arc::clone(&self.handle),
            Some(sequence),
        ))
    }

    async fn stats(&self) -> Result<Stats> {
        self.on_pool(Operation::Inspect, |_, engine| engine.stats())
            .await
    }

    async fn health(&self) -> Result<Health> {
        self.on_pool(Operation::Inspect, |shared, engine| {
            let health = engine.health()?;
            Ok(match shared.check_poison() {
                Ok(()) => health,
                Err(error) => health.with("poisoned", error.message()),
            })
        })
        .await
    }

    async fn check(&self) -> Result<CheckReport> {
        self.on_pool(Operation::Check, |_, engine| check(engine))
            .await
    }

    async fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        if maintenance == Maintenance::Flush {
            // The default durability is the strongest, and a closed store says so.
            self.commit_with(WriteBatch::new(), &WriteOptions::new())
                .await?;
            return Ok(MaintenanceReport::default());
        }
        self.on_pool(Operation::Maintain, move |_, engine| {
            engine.maintain(maintenance)
        })
        .await
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        (id == TypeId::of::<Self>()).then_some(self)
    }

    async fn close(&self) -> Result<()> {
        let shared = Arc::clone(self.shared());
        self.shared()
            .context
            .executor
            .run(move || shared.close())
            .await
            .map_err(|error| {
                self.shared()
                    .context
                    .facts
                    .annotated(error, Operation::Close)
            })
    }
}

impl<E: Engine> Clone for Embedded<E> {
    fn clone(&self) -> Self {
        Self {
            handle: Arc::clone(&self.handle),
        }
    }
}

impl<E: Engine> fmt::Debug for Embedded<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared().fmt(f)
    }
}

/// Closes the store when the last handle or snapshot is gone.
pub(super) struct Handle<E: Engine> {
    pub(super) shared: Arc<Shared<E>>,
}

impl<E: Engine> Drop for Handle<E> {
    fn drop(&mut self) {
        // There is nobody to tell of an error; `close` is for that.
        if self.shared.order.is_own_thread() {
            // A caller's code that ran when it was answered dropped the handle.
            // The thread cannot wait for itself.
            let shared = Arc::clone(&self.shared);
            let _ = thread::Builder::new()
                .name("storage-close".into())
                .spawn(move || shared.close());
        } else {
            let _ = self.shared.close();
        }
    }
}

/// How many entries a check reads at once. Some engines keep commits out while
/// they scan.
const CHECKED_AT_ONCE: u64 = 1_024;

/// Asks the engine for damages, then walks through all entries, which finds
/// those that only a read can see.
fn check<E: Engine>(engine: &E) -> Result<CheckReport> {
    let mut report = engine.check()?;
    for space in [Space::User, Space::System] {
        let mut rest = Some(KeyRange::all().in_space(space));
        while let Some(range) = rest {
            rest = check_page(engine, &range, &mut report)?;
        }
    }
    Ok(report)
}

/// Reads the first entries of `range`; answers what is left of it.
fn check_page<E: Engine>(
    engine: &E,
    range: &KeyRange,
    report: &mut CheckReport,
) -> Result<Option<KeyRange>> {
    let mut left = CHECKED_AT_ONCE;
    for item in engine.scan(range, Direction::Forward, Projection::Entries)? {
        match item {
            Ok(item) => {
                report.entries += 1;
                left -= 1;
                if left == 0 {
                    let rest = range.after(item.key);
                    return Ok((!rest.is_empty()).then_some(rest));
                }
            }
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                report.damages.push(Damage::in_space(range.space(), &error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
