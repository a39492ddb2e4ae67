//! The order point: every write of a store passes it, one after the other.
//!
//! What can be done of a commit ahead of it is done on its caller's thread
//! (`prepare`). A commit that then finds the order point free, and an engine that will not wait,
//! is applied on its caller's thread (`commit`). Otherwise it queues (`queue`),
//! and a writer thread (`writer`) takes what has queued, judges it in order, and
//! applies it, as one if the engine gains by that (`group`). Snapshots queue likewise. Commits that must be durable then wait for a sync (`sync`).
//!
//! Answers are sent only once the order point is left: they wake the callers'
//! code, which may do anything, even drop the last handle of the store.

mod applier;
mod commit;
mod distinct;
mod group;
mod inbox;
mod patience;
mod prepare;
mod queue;
mod sync;
mod writer;

use std::sync::{
    Mutex, MutexGuard, PoisonError, TryLockError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use self::{inbox::Inbox, patience::Patience, queue::Request, sync::Waiter};
use super::{Engine, sequence::Sequencer};
use crate::Sequence;

/// Where writes are put in order, and wait to become durable.
#[derive(Debug)]
pub(in crate::embedded) struct OrderPoint<E: Engine> {
    /// Holding this is being at the order point.
    sequencer: Mutex<Sequencer>,
    /// The last commit that was applied.
    applied: AtomicU64,
    /// What waits for its turn.
    queue: Inbox<Request<E>>,
    /// How many requests are queued or being served by the writer thread.
    queued: AtomicUsize,
    /// The bytes of the commits that are queued or being applied.
    queued_bytes: AtomicUsize,
    /// Applied commits that wait for a sync.
    unsynced: Inbox<Vec<Waiter>>,
    /// How long to wait awake for a sync, and for what is to be synced next.
    patience: Patience,
}

impl<E: Engine> OrderPoint<E> {
    pub(in crate::embedded) fn new(sequencer: Sequencer) -> Self {
        Self {
            applied: AtomicU64::new(sequencer.last().get()),
            sequencer: Mutex::new(sequencer),
            queue: Inbox::new(),
            queued: AtomicUsize::new(0),
            queued_bytes: AtomicUsize::new(0),
            unsynced: Inbox::new(),
            patience: Patience::default(),
        }
    }

    /// The last commit that has taken effect.
    pub(in crate::embedded) fn applied(&self) -> Sequence {
        Sequence::new(self.applied.load(Ordering::Acquire))
    }

    /// Refuses further commits and waits until the accepted ones are answered.
    pub(in crate::embedded) fn finish(&self) {
        self.queue.finish();
        // Whoever applies a commit on its own thread now is waited for too.
        drop(self.enter());
        // INVARIANT: commits reach this inbox before they leave the order point.
        self.unsynced.finish();
    }

    /// Whether the caller is one of the store's own threads.
    pub(in crate::embedded) fn is_own_thread(&self) -> bool {
        self.queue.is_mine() || self.unsynced.is_mine()
    }

    /// Waits for the order point.
    pub(in crate::embedded) fn enter(&self) -> MutexGuard<'_, Sequencer> {
        self.sequencer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters the order point if nobody is there or queues for it.
    pub(in crate::embedded) fn try_enter(&self) -> Option<MutexGuard<'_, Sequencer>> {
        if self.queued.load(Ordering::Acquire) > 0 {
            return None;
        }
        match self.sequencer.try_lock() {
            Ok(sequencer) => Some(sequencer),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}
