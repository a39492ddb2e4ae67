//! Commits: one call of a script, and what became of it if its answer is lost.

mod answer;
mod program;
mod resolve;

use std::sync::atomic::{AtomicU64, Ordering};

use deadpool_redis::redis::{Cmd, RedisResult, cmd, from_redis_value};
use storage_core::{
    Committed, Durability, Error, ErrorKind, Outcome, Result, Sequence, Timestamp, WriteBatch,
    networked::{Reservation, answer_by},
};
use tokio::time::Instant;

use self::{
    answer::{Answer, Reason},
    resolve::Sent,
};
use crate::{
    connect::Connector,
    error::{corrupt, unavailable},
    failure::{Failure, FailureKind},
    partition::pause,
    pool::{Lease, Origin, Pool},
    scan::moment,
    script,
    session::Session,
};

/// Scripts count in floating point, which is exact up to 2^53. A copy may bring
/// half of that along.
const COPIED_MAX: u64 = 1 << 52;

/// Commits groups of batches.
#[derive(Debug)]
pub(crate) struct Committer {
    pool: Pool,
    /// The greatest number known to be taken. After a failover, the server's own
    /// may lag behind.
    floor: AtomicU64,
    reservation: Reservation,
    range_entries_max: u64,
    wait_replicas: u32,
}

impl Committer {
    pub(crate) fn new(
        pool: Pool,
        floor: Sequence,
        range_entries_max: u64,
        wait_replicas: u32,
    ) -> Self {
        Self {
            pool,
            floor: AtomicU64::new(floor.get()),
            reservation: Reservation::up_to(COPIED_MAX),
            range_entries_max,
            wait_replicas,
        }
    }

    /// Commits a group, as [`Engine::commit`](storage_core::networked::Engine).
    pub(crate) async fn commit(
        &self,
        group: &[&WriteBatch],
        durability: Durability,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Vec<Result<Committed>>> {
        let mut fit = Vec::with_capacity(group.len());
        let mut judged = Vec::with_capacity(group.len());
        for batch in group {
            let raised = self.reservation.raised_by(batch);
            if let Ok(raised) = &raised {
                let raised = raised.map_or(0, Sequence::get);
                self.floor.fetch_max(raised, Ordering::AcqRel);
                fit.push(*batch);
            }
            judged.push(raised.err());
        }
        let mut answers = Vec::new();
        if !fit.is_empty() {
            let answer = Box::pin(self.send(&fit, durability, now, deadline)).await?;
            answers = self.answers(&answer, &fit, durability);
        }
        let mut answers = answers.into_iter();
        let answer = |refused: Option<Error>| match refused {
            Some(error) => Err(error),
            None => answers.next().unwrap_or_else(|| Err(missing())),
        };
        Ok(judged.into_iter().map(answer).collect())
    }

    /// Sends a group, a second time if the first certainly did nothing because
    /// the session was an old one whose server has gone, and for as long as the
    /// partition is on its way to another node: there if all of it has got there.
    async fn send(
        &self,
        group: &[&WriteBatch],
        durability: Durability,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Answer> {
        let mut is_repeated = false;
        let mut pause = pause();
        loop {
            let mut lease = self.pool.lend(deadline).await.map_err(not_applied)?;
            let origin = lease.origin;
            let attempt = self.attempt(&mut lease, group, durability, now, deadline);
            let mut attempted = attempt.await;
            if let Err(FailureKind::Arrived(host)) =
                attempted.as_ref().map_err(|failure| &failure.kind)
            {
                // Rare, and it takes a lot of room.
                attempted = Box::pin(async {
                    let followed = lease.follow(host, deadline).await;
                    followed.map_err(Failure::did_nothing)?;
                    let there = self.attempt(&mut lease, group, durability, now, deadline);
                    there.await
                })
                .await;
            }
            let failure = match attempted {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            drop(lease);
            let is_read_only = failure.kind == FailureKind::ReadOnly;
            let may_be_done_soon = failure.may_be_done_soon()
                || (is_read_only && self.pool.connector().is_in_cluster());
            let is_elsewhere = failure.is_elsewhere();
            let error = failure.error;
            let did_nothing = error.outcome() == Some(Outcome::NotApplied);
            if may_be_done_soon && did_nothing {
                // Of a server that takes no writes, it is forgotten already.
                if is_elsewhere {
                    self.pool.forget();
                }
                if pause.before(deadline).await {
                    continue;
                }
                return Err(error);
            }
            let may_pass = did_nothing && error.kind() == ErrorKind::Unavailable;
            if is_repeated || origin == Origin::New || !may_pass {
                return Err(error);
            }
            is_repeated = true;
            self.pool.forget();
        }
    }

    async fn attempt(
        &self,
        lease: &mut Lease,
        group: &[&WriteBatch],
        durability: Durability,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Answer, Failure> {
        let connector = self.pool.connector();
        if durability == Durability::Synced {
            let judged = demand_syncs(lease, connector, deadline).await;
            judged.map_err(Failure::did_nothing)?;
        }
        let session = lease.session().map_err(Failure::did_nothing)?;
        session.attempts += 1;
        let (facts, number) = (session.facts.clone(), session.attempts);
        let above = self.floor.load(Ordering::Acquire);
        let add = |call: &mut Cmd| {
            call.arg(facts.name())
                .arg(number)
                .arg(connector.store())
                .arg(above)
                .arg(&moment(now))
                .arg(self.range_entries_max);
            program::add(call, group);
        };
        let replicas = match durability {
            Durability::Synced => self.wait_replicas,
            _ => 0,
        };
        let answered = lease.run(answer_by(deadline), async |session| {
            let answer = script::COMMIT.run(session, &connector.keys, add).await?;
            Ok(from_redis_value(answer)?)
        });
        let failure = match answered.await {
            Ok(answer) => {
                let settled = self.settle(lease, replicas, deadline).await;
                return settled.map(|()| answer).map_err(Failure::before);
            }
            Err(failure) => failure,
        };
        match failure.kind {
            FailureKind::Refused
            | FailureKind::Elsewhere
            | FailureKind::Unserved
            | FailureKind::Arrived(_)
            | FailureKind::NotYet => Err(failure.did_nothing()),
            FailureKind::ReadOnly => {
                self.pool.forget();
                Err(failure.did_nothing())
            }
            FailureKind::Broken => Err(failure.with_outcome(Outcome::Unknown)),
            FailureKind::Lost | FailureKind::TimedOut => {
                let sent = Sent {
                    facts: &facts,
                    number,
                    durability,
                    replicas,
                };
                let fate = Box::pin(resolve::fate(connector, &sent, deadline)).await;
                let Failure { error, kind } = failure;
                let answer = fate.answer(error);
                answer.map_err(|error| Failure { error, kind })
            }
        }
    }

    /// What follows a commit that was applied: replicas, and for a new session
    /// the notes of old ones.
    async fn settle(&self, lease: &mut Lease, replicas: u32, deadline: Instant) -> Result<()> {
        if replicas > 0 {
            let waiting = lease.run(deadline, async |session| {
                following(session, replicas, deadline).await
            });
            let waited = match waiting.await {
                Ok(following) => demand(following, replicas),
                Err(failure) => Err(failure.error),
            };
            if let Err(error) = waited {
                // Its replicas may follow another one by now.
                if self.pool.connector().may_be_replaced() {
                    self.pool.forget();
                }
                return Err(error.with_outcome(Outcome::Unknown));
            }
        }
        if lease.origin == Origin::New && lease.session().is_ok_and(|session| session.attempts == 1)
        {
            let keys = &self.pool.connector().keys;
            // If not now, the next new session does.
            let _ = lease
                .run(answer_by(deadline), async |session| {
                    script::FORGET.run(session, keys, |_| {}).await
                })
                .await;
        }
        Ok(())
    }

    /// The answers to the members of a group.
    fn answers(
        &self,
        answer: &Answer,
        group: &[&WriteBatch],
        durability: Durability,
    ) -> Vec<Result<Committed>> {
        let numbered = (answer.first..).zip(group);
        let mut answers: Vec<_> = numbered
            .map(|(number, _)| Ok(Committed::new(Some(Sequence::new(number)), durability)))
            .collect();
        let last = (answer.first..).zip(group).last();
        self.floor
            .fetch_max(last.map_or(0, |(number, _)| number), Ordering::AcqRel);
        for (member, reason) in &answer.refused {
            let (Some(answer), Some(batch)) = (answers.get_mut(*member), group.get(*member)) else {
                continue;
            };
            *answer = Err(self.refusal(*reason, batch));
        }
        answers
    }

    fn refusal(&self, reason: Reason, batch: &WriteBatch) -> Error {
        match reason {
            Reason::Guard(index) => match batch.guards().get(index) {
                Some(guard) => Error::conflict(index, guard),
                None => missing(),
            },
            Reason::Damaged(index) => {
                let error = not_applied(corrupt("the header of a value is damaged"));
                match batch.guards().get(index) {
                    Some(guard) => error.with_key(guard.key()),
                    None => error,
                }
            }
            Reason::Ranges { entries } => not_applied(Error::new(
                ErrorKind::Invalid,
                format!(
                    "the ranges to be deleted hold {entries} entries, and one batch deletes up to \
                     {}; delete them in parts, or raise range_entries_max",
                    self.range_entries_max
                ),
            )),
        }
    }
}

/// # Errors
/// `Unsupported` if the server does not sync what it writes before it answers;
/// `Unavailable`, for a moment, if its log is not whole yet.
async fn demand_syncs(
    lease: &mut Lease,
    connector: &Connector,
    deadline: Instant,
) -> Result<(), Failure> {
    let persistence = &lease.session()?.facts.persistence;
    if let Some(missing) = &persistence.missing {
        return Err(Failure::before(not_synced(missing)));
    }
    if persistence.pending.is_none() {
        return Ok(());
    }
    let asking = lease.run(answer_by(deadline), async |session| {
        session.look_at_log().await
    });
    asking.await?;
    let session = lease.session()?;
    connector.judge_log(&mut session.facts);
    match session.facts.persistence.pending {
        None => Ok(()),
        Some(pending) => Err(Failure::not_yet(unavailable(format!(
            "the server does not make commits Synced yet: {pending}"
        )))),
    }
}

/// Waits until so many replicas have what this session has written, or too little
/// time is left. Says how many have it.
async fn following(session: &mut Session, replicas: u32, deadline: Instant) -> RedisResult<u32> {
    let left = answer_by(deadline).saturating_duration_since(Instant::now());
    // No time at all means without end to the server.
    let milliseconds = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1);
    let mut wait = cmd("WAIT");
    wait.arg(replicas).arg(milliseconds);
    session.ask(&wait).await
}

/// # Errors
/// `Unavailable` if fewer replicas follow than are to be waited for.
fn demand(following: u32, replicas: u32) -> Result<()> {
    if following >= replicas {
        return Ok(());
    }
    Err(unavailable(format!(
        "the commit was applied, but only {following} of {replicas} replicas have it in time; a \
         failover may lose it"
    )))
}

fn not_applied(error: Error) -> Error {
    error.with_outcome(Outcome::NotApplied)
}

/// What is asked for that the server cannot do any more.
fn not_synced(missing: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("the server does not make commits Synced any more: {missing}"),
    )
}

fn missing() -> Error {
    Error::new(
        ErrorKind::Internal,
        "the server answered what does not belong to the commits it was sent",
    )
    .with_outcome(Outcome::Unknown)
}
