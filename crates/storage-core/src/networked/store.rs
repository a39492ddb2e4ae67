//! The store that the adapter makes of an engine across a network.

use std::{
    any::{Any, TypeId},
    fmt,
    sync::Arc,
};

use super::{
    Engine, NetworkedSnapshot,
    call::{by, no_panic},
    reader::Reader,
    shared::Shared,
};
use crate::{
    Capabilities, CheckReport, Clock, Committed, Components, Damage, Description, Entry, ErrorKind,
    Health, Key, KeyRange, Maintenance, MaintenanceReport, Operation, Outcome, OwnedKey, Page,
    Read, ReadOptions, Result, ScanOptions, Sequence, SnapshotOptions, Space, Stats, Store,
    WriteBatch, WriteOptions,
};

/// A store over an engine across a network. Clones are handles to the same
/// store.
///
/// Its futures may be polled anywhere; the engine is called on the runtime that
/// the store was opened on. Dropping the last handle closes the store in the
/// background there: call [`close`](Store::close) to wait for it and to learn of
/// errors.
pub struct Networked<E: Engine> {
    handle: Arc<Handle<E>>,
}

impl<E: Engine> Networked<E> {
    /// Makes a store of `engine`, which is connected already.
    ///
    /// # Errors
    /// `Invalid` outside of a Tokio runtime; what the engine reports of its
    /// sequence.
    pub async fn open(engine: E, components: &Components) -> Result<Self> {
        let engine_name = engine.describe().engine;
        let shared = Shared::recover(engine, components).await.map_err(|error| {
            error
                .with_operation(Operation::Open)
                .with_layer(engine_name)
        })?;
        Ok(Self {
            handle: Arc::new(Handle {
                shared: Arc::new(shared),
            }),
        })
    }

    /// Calls the engine on its runtime, for what only this engine can do. Found
    /// below layers and in a `SharedStore` by
    /// [`find`](crate::StoreExt::find).
    ///
    /// Write through the store only: what `work` writes has no place among the
    /// commits that this store answers. Nothing bounds how long it takes.
    ///
    /// # Errors
    /// What `work` reports; `Closed` once the store is closed. A panic is an
    /// error of kind `Internal`.
    ///
    /// # Cancel safety
    /// Dropping the future drops that of `work`.
    pub async fn with_engine<T, F>(
        &self,
        work: impl FnOnce(Arc<E>) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.call(Operation::Maintain, move |_, engine| work(engine))
            .await
    }

    fn shared(&self) -> &Arc<Shared<E>> {
        &self.handle.shared
    }

    fn reader(&self) -> Reader<'_, E> {
        Reader {
            reads: &self.shared().reads,
            facts: &self.shared().facts,
        }
    }

    /// Calls the engine on its runtime. A panic becomes an error.
    async fn call<T, F>(
        &self,
        operation: Operation,
        work: impl FnOnce(Arc<Shared<E>>, Arc<E>) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let guarded = |shared, engine| no_panic(async move { work(shared, engine).await });
        self.shared()
            .call(guarded)
            .await
            .map_err(|error| self.shared().facts.annotated(error, operation))
    }

    async fn commit_admitted(
        &self,
        batch: WriteBatch,
        options: &WriteOptions,
    ) -> Result<Committed> {
        let facts = &self.shared().facts;
        facts.capabilities.admit(&(&batch, options))?;
        let durability = facts.granted(options.durability);
        self.shared().commits.commit(batch, durability).await
    }

    /// Walks through all entries, which finds those that only a read can see.
    async fn check_entries(&self, report: &mut CheckReport) -> Result<()> {
        let options = ScanOptions::new();
        for space in [Space::User, Space::System] {
            let mut rest = Some(KeyRange::all().in_space(space));
            while let Some(range) = rest {
                match self.scan_with(&range, &options).await {
                    Ok(page) => {
                        let entries = u64::try_from(page.items.len()).unwrap_or(u64::MAX);
                        report.entries = report.entries.saturating_add(entries);
                        rest = page.next;
                    }
                    // What lies behind it can no scan reach.
                    Err(error) if error.kind() == ErrorKind::Corrupt => {
                        report.damages.push(Damage::in_space(space, &error));
                        rest = None;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

#[deny(clippy::missing_trait_methods)]
impl<E: Engine> Read for Networked<E> {
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

    /// The last commit that this process knows to have taken effect: answered by
    /// this store, in one of its snapshots, or there when it was opened. Others
    /// may have committed since.
    fn sequence(&self) -> Option<Sequence> {
        self.shared().sequence()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<E: Engine> Store for Networked<E> {
    type Snapshot = NetworkedSnapshot<E>;

    fn describe(&self) -> Description {
        self.shared().facts.description.clone()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.shared().facts.capabilities
    }

    fn clock(&self) -> &Clock {
        &self.shared().facts.clock
    }

    async fn commit_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<Committed> {
        self.commit_admitted(batch, options).await.map_err(|error| {
            let error = error.or_outcome(Outcome::NotApplied);
            self.shared().facts.annotated(error, Operation::Commit)
        })
    }

    async fn snapshot_with(&self, options: &SnapshotOptions) -> Result<NetworkedSnapshot<E>> {
        let Self { handle } = self;
        let facts = &handle.shared.facts;
        let admitted = facts.capabilities.admit(options);
        let taken = match admitted {
            Ok(()) => handle.shared.take_snapshot().await,
            Err(error) => Err(error),
        };
        taken
            .map(|taken| NetworkedSnapshot::new(taken, Arc::clone(handle)))
            .map_err(|error| facts.annotated(error, Operation::Snapshot))
    }

    async fn stats(&self) -> Result<Stats> {
        self.call(Operation::Inspect, async |shared, engine| {
            let deadline = shared.deadline();
            by(deadline, engine.stats(deadline)).await
        })
        .await
    }

    async fn health(&self) -> Result<Health> {
        self.call(Operation::Inspect, async |shared, engine| {
            let deadline = shared.deadline();
            by(deadline, engine.health(deadline)).await
        })
        .await
    }

    async fn check(&self) -> Result<CheckReport> {
        let check = async |_, engine: Arc<E>| engine.check().await;
        let mut report = self.call(Operation::Check, check).await?;
        report.entries = 0;
        self.check_entries(&mut report).await.map(|()| report)
    }

    async fn maintain(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        self.call(Operation::Maintain, async move |_, engine| {
            engine.maintain(maintenance).await
        })
        .await
    }

    fn control(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        (id == TypeId::of::<Self>()).then_some(self)
    }

    async fn close(&self) -> Result<()> {
        self.shared().begin_close();
        self.shared()
            .closed()
            .await
            .map_err(|error| self.shared().facts.annotated(error, Operation::Close))
    }
}

impl<E: Engine> Clone for Networked<E> {
    fn clone(&self) -> Self {
        Self {
            handle: Arc::clone(&self.handle),
        }
    }
}

impl<E: Engine> fmt::Debug for Networked<E> {
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
        self.shared.begin_close();
    }
}
