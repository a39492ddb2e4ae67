//! What all handles, snapshots and threads of one embedded store share.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    ChangeForm, Engine, GroupPolicy, PreparePolicy, WritePolicy,
    order::OrderPoint,
    reader::{Context, Source},
    sequence::Sequencer,
    snapshot::SnapshotCell,
};
use crate::{
    Components, Durability, Error, ErrorKind, Outcome, Result, Sequence,
    adapter::{Facts, no_panic},
};

/// The engine and everything that orders its use.
pub(super) struct Shared<E: Engine> {
    /// `None` once closed. Calls hold the lock shared; closing takes it alone,
    /// and so waits for them.
    engine: RwLock<Option<E>>,
    /// Set when closing begins: no new request is accepted.
    closing: AtomicBool,
    /// How closing ended. Held by whoever closes, so that a second closer waits.
    closed: Mutex<Option<Result<()>>>,
    /// Why the store takes no more writes.
    poison: OnceLock<Error>,
    /// Where writes are put in order, and wait to become durable.
    pub(super) order: OrderPoint<E>,
    /// Open snapshots, so that closing can end them.
    snapshots: Mutex<Vec<Weak<SnapshotCell<E>>>>,
    pub(super) change_form: ChangeForm,
    pub(super) group_policy: GroupPolicy,
    pub(super) context: Context,
}

impl<E: Engine> Shared<E> {
    /// Goes on where the engine's data ends.
    pub(super) fn recover(engine: E, components: &Components) -> Result<Self> {
        let sequencer = Sequencer::recover(&engine, engine.capabilities().sequence)?;
        Ok(Self::with_sequencer(engine, sequencer, components))
    }

    pub(super) fn with_sequencer(engine: E, sequencer: Sequencer, components: &Components) -> Self {
        Self {
            closing: AtomicBool::new(false),
            closed: Mutex::new(None),
            poison: OnceLock::new(),
            order: OrderPoint::new(sequencer),
            snapshots: Mutex::default(),
            change_form: engine.change_form(),
            group_policy: engine.group_policy(),
            context: Context {
                facts: Facts {
                    description: engine.describe(),
                    capabilities: engine.capabilities(),
                    buffered_as: engine.buffered_as(),
                    clock: components.clock.clone(),
                },
                read_policy: engine.read_policy(),
                write_policy: engine.write_policy(),
                prepare_policy: match engine.write_policy() {
                    WritePolicy::Foretold => engine.prepare_policy(),
                    WritePolicy::Tried => PreparePolicy::Never,
                },
                executor: Arc::clone(&components.executor),
            },
            engine: RwLock::new(Some(engine)),
        }
    }

    /// Calls the engine on behalf of a request that was accepted before closing
    /// began. A panic of the engine becomes an error.
    pub(super) fn call_accepted<T>(&self, work: impl FnOnce(&E) -> Result<T>) -> Result<T> {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        let Some(engine) = engine.as_ref() else {
            return Err(Error::closed());
        };
        no_panic(|| work(engine))
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Says why writes are refused, if they are.
    pub(super) fn check_poison(&self) -> Result<()> {
        match self.poison.get() {
            None => Ok(()),
            Some(poison) => Err(poison.duplicate()),
        }
    }

    /// Refuses all further writes, because of `cause`.
    pub(super) fn poison(&self, cause: &Error) {
        // The first cause stands.
        let _ = self.poison.set(
            Error::new(
                ErrorKind::Poisoned,
                "an earlier write or sync failed, so what reached the disk is unknown; reopen the store",
            )
            .with_outcome(Outcome::NotApplied)
            .with_source(cause.to_string()),
        );
    }

    /// Takes a snapshot and its sequence, unless others are at the order point
    /// or queue for it.
    pub(super) fn try_snapshot(&self) -> Option<Result<Taken<E>>> {
        let at = self.order.try_enter()?;
        Some(self.snapshot_at(&at))
    }

    /// Takes a snapshot and its sequence at the order point. Registers the
    /// snapshot before the order point is left, which closing passes: so none
    /// escapes it.
    pub(super) fn snapshot_at(&self, _at: &MutexGuard<'_, Sequencer>) -> Result<Taken<E>> {
        let snapshot = Arc::new(SnapshotCell::new(self.call(E::snapshot)?));
        self.register_snapshot(&snapshot);
        Ok((snapshot, self.order.applied()))
    }

    fn register_snapshot(&self, cell: &Arc<SnapshotCell<E>>) {
        let mut snapshots = self
            .snapshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if snapshots.len() == snapshots.capacity() {
            snapshots.retain(|cell| cell.strong_count() > 0);
        }
        snapshots.push(Arc::downgrade(cell));
    }

    /// Refuses new requests, finishes accepted ones, syncs, and frees the
    /// engine. Blocks until that is done.
    ///
    /// # Errors
    /// `Poisoned` if not everything could be made durable; each time.
    pub(super) fn close(&self) -> Result<()> {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let result = closed.get_or_insert_with(|| {
            self.closing.store(true, Ordering::SeqCst);
            self.order.finish();
            let synced = self.last_sync();
            self.end_snapshots();
            let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
            let engine = engine.take();
            let freed = no_panic(|| {
                drop(engine);
                Ok(())
            });
            synced.and(freed)
        });
        result.as_ref().copied().map_err(Error::duplicate)
    }

    fn last_sync(&self) -> Result<()> {
        if self.context.facts.capabilities.durability_max < Durability::Synced {
            return Ok(());
        }
        self.check_poison()?;
        self.call_accepted(E::sync)
            .map_err(|error| self.sync_failed(error))
    }

    fn end_snapshots(&self) {
        let snapshots = std::mem::take(
            &mut *self
                .snapshots
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for snapshot in snapshots.iter().filter_map(Weak::upgrade) {
            snapshot.end();
        }
    }
}

impl<E: Engine> Source for Shared<E> {
    type Engine = E;

    fn call<T>(&self, work: impl FnOnce(&E) -> Result<T>) -> Result<T> {
        if self.is_closing() {
            return Err(Error::closed());
        }
        self.call_accepted(work)
    }
}

impl<E: Engine> fmt::Debug for Shared<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded")
            .field("store", &self.context.facts.description.to_string())
            .field("closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}

/// A snapshot, and the last commit in it.
pub(super) type Taken<E> = (Arc<SnapshotCell<E>>, Sequence);
