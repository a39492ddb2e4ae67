//! The writer thread: it serves what has queued, many requests at a time.

use std::{collections::VecDeque, sync::Arc};

use super::{
    super::{Engine, shared::Shared},
    applier::Applier,
    group::Group,
    queue::{QueuedCommit, Request, SnapshotAnswer},
};
use crate::Outcome;

/// How much the writer thread takes at once. More would make the first wait for
/// the last; less would sync more often.
const REQUESTS_MAX: usize = 256;
const BYTES_MAX: usize = 1 << 20;

/// What the writer thread serves at once.
struct Turn<E: Engine> {
    snapshots: Vec<SnapshotAnswer<E>>,
    commits: Vec<QueuedCommit>,
}

impl<E: Engine> Turn<E> {
    fn next(queue: &mut VecDeque<Request<E>>) -> Self {
        let mut turn = Self {
            snapshots: Vec::new(),
            commits: Vec::new(),
        };
        let mut bytes = 0;
        while turn.snapshots.len() + turn.commits.len() < REQUESTS_MAX && bytes < BYTES_MAX {
            match queue.pop_front() {
                None => break,
                Some(Request::Snapshot(answer)) => turn.snapshots.push(answer),
                Some(Request::Commit(commit)) => {
                    bytes += commit.bytes;
                    turn.commits.push(commit);
                }
            }
        }
        turn
    }
}

impl<E: Engine> Shared<E> {
    /// The writer thread.
    pub(super) fn keep_serving(self: &Arc<Self>) {
        while let Some(turn) = self.order.queue.take(Turn::next) {
            // They must see what was answered before they were asked for. None
            // of these commits was, and a group may wait long.
            self.take_snapshots(turn.snapshots);
            if !turn.commits.is_empty() {
                self.apply_group(turn.commits);
            }
        }
    }

    fn take_snapshots(&self, answers: Vec<SnapshotAnswer<E>>) {
        for answer in answers {
            let taken = (!answer.is_canceled()).then(|| self.snapshot_at(&self.order.enter()));
            self.order.leave_queue(1, 0);
            if let Some(taken) = taken {
                // The caller may have lost interest.
                let _ = answer.send(taken);
            }
        }
    }

    /// Judges and applies a group, hands those who wait for a sync to the sync
    /// thread, and answers the others.
    fn apply_group(self: &Arc<Self>, commits: Vec<QueuedCommit>) {
        let size = commits.len();
        let bytes = commits.iter().map(|commit| commit.bytes).sum();
        let mut group = Group::default();
        let mut commits = commits.into_iter();
        let mut sequencer = self.order.enter();
        let applied = self.check_poison().and_then(|()| {
            self.call_accepted(|engine| {
                let mut applier = Applier::new(self, engine, &mut sequencer);
                let mut fetched = group.fetch(&applier, commits.as_slice());
                for commit in commits.by_ref() {
                    let ahead = fetched.next_for(&commit);
                    group.admit(&mut applier, commit, ahead);
                }
                group.flush(&mut applier);
                Ok(())
            })
        });
        if let Err(error) = applied {
            for commit in commits {
                let error = error.duplicate().with_outcome(Outcome::NotApplied);
                group.answers.push((commit.answer, Err(error)));
            }
        }
        let refused = self.await_sync(group.unsynced);
        drop(sequencer);
        self.order.leave_queue(size, bytes);
        refused.answer();
        for (answer, result) in group.answers {
            // The caller may have lost interest.
            let _ = answer.send(result);
        }
    }
}
