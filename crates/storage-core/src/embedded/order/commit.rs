//! Accepting a commit: applied here and now if that takes no waiting, else
//! queued for the writer thread.

use std::sync::Arc;

use futures_channel::oneshot;

use super::{
    super::{Engine, Prepared, WritePolicy, reader::Place, shared::Shared},
    applier::{Applied, Applier},
    queue::{QueuedCommit, Request},
    sync::Waiter,
};
use crate::{Committed, Durability, Error, ErrorKind, Mutation, Outcome, Result, WriteBatch};

/// The largest commit that runs on its caller's thread.
const INLINE_MUTATIONS_MAX: usize = 64;
const INLINE_BYTES_MAX: usize = 64 << 10;

pub(super) type Answer = oneshot::Sender<Result<Committed>>;
type Receiver = oneshot::Receiver<Result<Committed>>;

/// Where the answer of an accepted commit comes from.
enum Accepted {
    Answered(Result<Committed>),
    Waiting(Receiver),
}

impl<E: Engine> Shared<E> {
    /// Accepts a commit and waits for its answer. From the first poll on, the
    /// commit goes to its end whether or not the answer is awaited.
    pub(in crate::embedded) async fn commit(
        self: &Arc<Self>,
        batch: WriteBatch,
        durability: Durability,
    ) -> Result<Committed> {
        match self.accept(batch, durability) {
            Accepted::Answered(answer) => answer,
            Accepted::Waiting(answer) => answer.await.unwrap_or_else(|_| {
                Err(Error::new(
                    ErrorKind::Internal,
                    "the thread that applied the commit ended without an answer",
                )
                .with_outcome(Outcome::Unknown))
            }),
        }
    }

    fn accept(self: &Arc<Self>, batch: WriteBatch, durability: Durability) -> Accepted {
        if let Err(error) = self.check_poison() {
            return Accepted::Answered(Err(error));
        }
        let prepared = match self.prepare(&batch) {
            Ok(prepared) => prepared,
            Err(error) => return Accepted::Answered(Err(error)),
        };
        match self.apply_inline(batch, prepared.as_ref(), durability) {
            Ok(accepted) => accepted,
            Err(batch) => self.enqueue(batch, prepared, durability),
        }
    }

    /// Applies a commit on this thread, or gives the batch back if that might
    /// take long.
    fn apply_inline(
        self: &Arc<Self>,
        batch: WriteBatch,
        prepared: Option<&Prepared>,
        durability: Durability,
    ) -> Result<Accepted, WriteBatch> {
        if !self.is_small(&batch) {
            return Err(batch);
        }
        let Some(mut sequencer) = self.order.try_enter() else {
            return Err(batch);
        };
        if self.is_closing() {
            return Ok(Accepted::Answered(Err(Error::closed())));
        }
        match self.call_accepted(|engine| Ok(engine.apply_may_wait())) {
            Ok(false) => {}
            Ok(true) => return Err(batch),
            Err(error) => return Ok(Accepted::Answered(Err(error))),
        }
        let kept = self.may_be_refused(&batch).then(|| batch.clone());
        let applied = self.call_accepted(|engine| {
            let mut applier = Applier::new(self, engine, &mut sequencer);
            applier.try_apply_alone(batch, prepared, durability)
        });
        let applied = match (applied, kept) {
            (Ok(Applied::WouldWait), Some(batch)) => return Err(batch),
            (applied, _) => applied.and_then(Applied::committed),
        };
        Ok(match applied {
            Ok(committed) if durability == Durability::Synced => {
                let (answer, receiver) = oneshot::channel();
                let refused = self.await_sync(vec![Waiter { committed, answer }]);
                drop(sequencer);
                refused.answer();
                self.look_for_answer(receiver)
            }
            answer => Accepted::Answered(answer),
        })
    }

    /// Waits awake for the answer of a commit that is about to be synced, if
    /// that is likely to come soon.
    fn look_for_answer(&self, mut receiver: Receiver) -> Accepted {
        let patience = &self.order.patience;
        let answer = patience.look_for_answer(|| receiver.try_recv().ok().flatten());
        answer.map_or(Accepted::Waiting(receiver), Accepted::Answered)
    }

    /// Whether the engine may find, once the batch is taken apart, that it would
    /// have to wait.
    fn may_be_refused(&self, batch: &WriteBatch) -> bool {
        self.context.write_policy == WritePolicy::Tried
            || self.context.place_of(batch.guards().len()) == Place::HereIfCached
    }

    /// Whether judging and resolving the batch takes little time.
    pub(super) fn is_small(&self, batch: &WriteBatch) -> bool {
        batch.mutations().len() <= INLINE_MUTATIONS_MAX
            && batch.size_bytes() <= INLINE_BYTES_MAX
            && (batch.guards().is_empty()
                || self.context.place_of(batch.guards().len()) != Place::Pool)
            && !batch
                .mutations()
                .iter()
                .any(|mutation| matches!(mutation, Mutation::DeleteRange(_)))
    }

    fn enqueue(
        self: &Arc<Self>,
        batch: WriteBatch,
        prepared: Option<Prepared>,
        durability: Durability,
    ) -> Accepted {
        let (answer, receiver) = oneshot::channel();
        let commit = QueuedCommit::new(batch, prepared, durability, answer);
        match self.put_in_queue(Request::Commit(commit)) {
            Ok(()) => Accepted::Waiting(receiver),
            Err(error) => Accepted::Answered(Err(error.with_outcome(Outcome::NotApplied))),
        }
    }
}
