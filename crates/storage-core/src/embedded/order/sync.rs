//! Making applied commits durable: one sync answers everybody who waited for
//! it.
//!
//! While a sync runs, further commits are applied and gather; the next sync
//! covers them all. So a slow disk makes groups larger, not queues longer.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use super::{
    super::{Engine, shared::Shared},
    OrderPoint,
    commit::Answer,
};
use crate::{Committed, Error, ErrorKind, Outcome};

/// A commit that was applied and waits for a sync.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) committed: Committed,
    pub(super) answer: Answer,
}

/// Commits that cannot be synced, to be told so away from the order point.
#[must_use]
pub(super) struct Refused(Option<(Vec<Waiter>, Error)>);

impl Refused {
    /// Tells the callers that their commits were applied, but may not be
    /// durable.
    pub(super) fn answer(self) {
        if let Some((waiters, error)) = self.0 {
            refuse(waiters, &error);
        }
    }
}

impl<E: Engine> Shared<E> {
    /// Has commits answered once they are durable.
    pub(super) fn await_sync(self: &Arc<Self>, waiters: Vec<Waiter>) -> Refused {
        if waiters.is_empty() {
            return Refused(None);
        }
        let shared = Arc::clone(self);
        let put = self
            .order
            .unsynced
            .put(waiters, "storage-sync", move || shared.keep_syncing());
        Refused(put.err())
    }

    /// The sync thread.
    fn keep_syncing(&self) {
        while let Some(waiters) = self.next_unsynced() {
            if let Err(error) = self.check_poison() {
                refuse(waiters, &error);
                continue;
            }
            let started = Instant::now();
            match self.call_accepted(E::sync) {
                Ok(()) => {
                    self.order.patience.learn(started.elapsed(), waiters.len());
                    for waiter in waiters {
                        // The caller may have lost interest.
                        let _ = waiter.answer.send(Ok(waiter.committed));
                    }
                }
                Err(error) => refuse(waiters, &self.sync_failed(error)),
            }
        }
    }

    fn next_unsynced(&self) -> Option<Vec<Waiter>> {
        let OrderPoint {
            unsynced, patience, ..
        } = &self.order;
        patience.look_for_commit(|| unsynced.has_news().then_some(()));
        unsynced.take(take_all)
    }

    /// Poisons the store because of a failed sync, and says so.
    pub(in crate::embedded) fn sync_failed(&self, error: Error) -> Error {
        self.poison(&error);
        Error::new(
            ErrorKind::Poisoned,
            "a sync failed, so what reached the disk is unknown; reopen the store and read",
        )
        .with_source(error)
    }
}

fn take_all(inbox: &mut VecDeque<Vec<Waiter>>) -> Vec<Waiter> {
    inbox.drain(..).flatten().collect()
}

/// Answers commits that were applied, but may not be durable.
fn refuse(waiters: Vec<Waiter>, error: &Error) {
    for waiter in waiters {
        let error = error.duplicate().with_outcome(Outcome::Unknown);
        // The caller may have lost interest.
        let _ = waiter.answer.send(Err(error));
    }
}
