//! Commits: accepted at once, driven to their end by tasks of their own, alone
//! or together with others.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_channel::oneshot;
use tokio::time::Instant;

use super::{
    Engine, Limits,
    call::{GRACE, by, from_now},
    lanes::{Bounds, Lanes},
    partitions::{Partitions, nowhere},
    parts::{Refused, serve_in_parts},
    queue::{Member, Request, Weight},
    read_request::miscounted,
    runtime::{Runtime, ended},
    source::Source,
};
use crate::{Clock, Committed, Durability, Error, Mutation, Outcome, Result, Sequence, WriteBatch};

/// Where the commits of a store wait and are served.
#[derive(Debug)]
pub(super) struct Commits {
    /// Those of each partition.
    lanes: Vec<Arc<Lanes<CommitRequest>>>,
    partitions: Partitions,
    last: Arc<LastCommit>,
    time_limit: Duration,
}

impl Commits {
    pub(super) fn new<E: Engine>(
        source: Arc<Source<E>>,
        last: Sequence,
        partitions: Partitions,
        limits: &Limits,
        clock: Clock,
        runtime: &Runtime,
    ) -> Self {
        let bounds = Bounds {
            lanes: limits.commits_at_once.get(),
            group_max: Weight {
                operations: limits.group_operations_max,
                bytes: limits.group_bytes_max,
            },
            queue_max: limits.queue_max,
            queue_bytes_max: limits.queue_bytes_max / partitions.count(),
        };
        let last = Arc::new(LastCommit(AtomicU64::new(last.get())));
        let applier = Arc::new(Applier {
            source,
            clock,
            last: Arc::clone(&last),
        });
        let lanes = || {
            let (applier, spawning) = (Arc::clone(&applier), runtime.clone());
            let serve = move |group, lane| {
                let applier = Arc::clone(&applier);
                spawning.spawn(async move {
                    serve_in_parts(group, |part| applier.apply(part)).await;
                    drop(lane);
                });
            };
            Arc::new(Lanes::new(bounds, runtime.clone(), serve))
        };
        Self {
            lanes: (0..partitions.count().get()).map(|_| lanes()).collect(),
            partitions,
            last,
            time_limit: limits.time_limit,
        }
    }

    /// Accepts a commit and waits for its answer. From the first poll on, the
    /// commit goes to its end whether or not the answer is awaited.
    pub(super) async fn commit(
        &self,
        batch: WriteBatch,
        durability: Durability,
    ) -> Result<Committed> {
        let (sender, receiver) = oneshot::channel();
        let deletes_range = |mutation: &Mutation| matches!(mutation, Mutation::DeleteRange(_));
        let lanes = self.lanes.get(self.partitions.of_batch(&batch));
        lanes.ok_or_else(nowhere)?.enqueue(CommitRequest {
            deletes_range: batch.mutations().iter().any(deletes_range),
            batch,
            durability,
            deadline: from_now(self.time_limit),
            answer: Answer {
                sender: Some(sender),
                outcome: Outcome::NotApplied,
            },
        })?;
        receiver
            .await
            .unwrap_or_else(|_| Err(ended().with_outcome(Outcome::Unknown)))
    }

    /// The last commit known to have taken effect.
    pub(super) fn last(&self) -> &LastCommit {
        &self.last
    }

    /// Accepts no more commits.
    pub(super) fn refuse(&self) {
        self.lanes.iter().for_each(|lanes| lanes.refuse());
    }

    /// Waits, once commits are refused, until the accepted ones have ended.
    pub(super) async fn drained(&self) {
        for lanes in &self.lanes {
            lanes.drained().await;
        }
    }
}

/// The last commit known to have taken effect. Never goes back.
#[derive(Debug)]
pub(super) struct LastCommit(AtomicU64);

impl LastCommit {
    pub(super) fn get(&self) -> Sequence {
        Sequence::new(self.0.load(Ordering::Acquire))
    }

    pub(super) fn raise(&self, sequence: Option<Sequence>) {
        if let Some(sequence) = sequence {
            self.0.fetch_max(sequence.get(), Ordering::AcqRel);
        }
    }
}

/// A commit on its way.
#[derive(Debug)]
pub(super) struct CommitRequest {
    batch: WriteBatch,
    deletes_range: bool,
    durability: Durability,
    deadline: Instant,
    answer: Answer,
}

impl Member for CommitRequest {
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn refuse(self, error: Error) {
        self.answer.give(Err(error.or_outcome(Outcome::NotApplied)));
    }
}

impl Request for CommitRequest {
    fn weight(&self) -> Weight {
        let operations = self.batch.guards().len() + self.batch.mutations().len();
        Weight {
            // A commit of nothing takes a place in a group as well.
            operations: operations.max(1),
            bytes: self.batch.size_bytes(),
        }
    }

    /// A range delete may take as long as all time there is, which would be that
    /// of the others in its group.
    fn is_like(&self, other: &Self) -> bool {
        self.durability == other.durability && !self.deletes_range && !other.deletes_range
    }
}

/// Where the answer to a commit goes. One that is dropped is an answer, too: that
/// nobody is there any more to drive the commit to its end.
#[derive(Debug)]
struct Answer {
    sender: Option<oneshot::Sender<Result<Committed>>>,
    /// What became of the commit if it ends now.
    outcome: Outcome,
}

impl Answer {
    fn give(mut self, answer: Result<Committed>) {
        if let Some(sender) = self.sender.take() {
            // Whoever dropped the other end forfeits the answer.
            drop(sender.send(answer));
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take() {
            drop(sender.send(Err(ended().with_outcome(self.outcome))));
        }
    }
}

/// Hands groups of commits to the engine.
#[derive(Debug)]
struct Applier<E> {
    source: Arc<Source<E>>,
    clock: Clock,
    last: Arc<LastCommit>,
}

impl<E: Engine> Applier<E> {
    /// Applies a group and answers its members, or gives them back if none of
    /// them had an effect.
    async fn apply(&self, mut group: Vec<CommitRequest>) -> Result<(), Refused<CommitRequest>> {
        let deadline = group.iter().map(Member::deadline).min();
        let durability = group.first().map(|first| first.durability);
        let (Some(deadline), Some(durability)) = (deadline, durability) else {
            return Ok(());
        };
        let batches: Vec<WriteBatch> = group
            .iter_mut()
            .map(|member| {
                member.answer.outcome = Outcome::Unknown;
                mem::take(&mut member.batch)
            })
            .collect();
        match self.call(&batches, durability, deadline).await {
            Ok(answers) => {
                for (member, answer) in group.into_iter().zip(answers) {
                    self.answer(member, answer);
                }
                Ok(())
            }
            Err(error) if error.outcome() == Some(Outcome::NotApplied) => {
                for (member, batch) in group.iter_mut().zip(batches) {
                    member.batch = batch;
                    member.answer.outcome = Outcome::NotApplied;
                }
                Err(Refused {
                    members: group,
                    error,
                })
            }
            Err(error) => {
                for member in group {
                    self.answer(member, Err(error.duplicate()));
                }
                Ok(())
            }
        }
    }

    /// The engine's answers, one for each batch. An error without an outcome
    /// leaves open what became of them.
    async fn call(
        &self,
        batches: &[WriteBatch],
        durability: Durability,
        deadline: Instant,
    ) -> Result<Vec<Result<Committed>>> {
        let engine = self
            .source
            .get()
            .map_err(|error| error.with_outcome(Outcome::NotApplied))?;
        let now = self.clock.now();
        let call = async { engine.commit(batches, durability, now, deadline).await };
        let answers = by(deadline + GRACE, call).await?;
        if answers.len() == batches.len() {
            Ok(answers)
        } else {
            Err(miscounted("commits"))
        }
    }

    fn answer(&self, member: CommitRequest, answer: Result<Committed>) {
        if let Ok(committed) = &answer {
            self.last.raise(committed.sequence);
        }
        member
            .answer
            .give(answer.map_err(|error| error.or_outcome(Outcome::Unknown)));
    }
}
