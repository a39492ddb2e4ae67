//! Commits: one call of a function in the schema, and what became of it if its
//! answer is lost.

mod call;
mod program;
mod resolve;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::sqlx::{self, Row, postgres::PgRow};
use storage_core::{
    Committed, Durability, Error, ErrorKind, Outcome, Result, Sequence, Timestamp, WriteBatch,
    networked::{Reservation, answer_by},
};
use tokio::time::Instant;

use self::{call::Call, program::Program};
use crate::{
    connect::Connector,
    error::FailureKind,
    pool::{Origin, Pool},
    row::moment,
    session::Session,
};

/// How many rows of `outcomes` each session has: its last commits.
pub(crate) const SLOTS: i64 = 256;

/// The largest number that a copy may bring along: what is numbered behind it
/// stays far below the end.
pub(crate) const COPIED_MAX: u64 = u64::MAX >> 2;

/// Commits groups of batches.
#[derive(Debug)]
pub(crate) struct Committer {
    pub(crate) pool: Arc<Pool>,
    pub(crate) connector: Arc<Connector>,
    /// The greatest number known to be taken. After a failover, or with a copy's
    /// reservation, the server's own may lag behind.
    floor: AtomicU64,
    reservation: Reservation,
}

/// What the server answered to a group.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The sequence of the first member; the others follow.
    first: i64,
    /// The members that a guard kept from being applied, and which of theirs.
    refused: Vec<i32>,
    guards: Vec<i32>,
}

impl Answer {
    /// From what the function for a lone change returns: the sequence, which is
    /// negative if the guard did not hold.
    fn of_one(returned: i64) -> Self {
        let refused = if returned < 0 { vec![0] } else { Vec::new() };
        Self {
            first: returned.abs(),
            guards: refused.clone(),
            refused,
        }
    }

    /// From three columns, the first of which is `column`.
    fn of(row: &PgRow, column: usize) -> sqlx::Result<Self> {
        Ok(Self {
            first: row.try_get(column)?,
            refused: row.try_get(column + 1)?,
            guards: row.try_get(column + 2)?,
        })
    }
}

impl Committer {
    pub(crate) fn new(
        pool: Arc<Pool>,
        connector: Arc<Connector>,
        floor: Sequence,
        reservation: Reservation,
    ) -> Self {
        Self {
            pool,
            connector,
            floor: AtomicU64::new(floor.get()),
            reservation,
        }
    }

    /// Commits a group, as [`Engine::commit`](storage_core::networked::Engine).
    pub(crate) async fn commit(
        &self,
        group: &[WriteBatch],
        durability: Durability,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Vec<Result<Committed>>> {
        let judged: Vec<_> = group
            .iter()
            .map(|batch| self.reservation.raised_by(batch))
            .collect();
        let raised = judged.iter().flatten().flatten().max();
        if let Some(raised) = raised {
            self.floor.fetch_max(raised.get(), Ordering::AcqRel);
        }
        let fit: Vec<_> = group
            .iter()
            .zip(&judged)
            .filter_map(|(batch, judged)| judged.is_ok().then_some(batch))
            .collect();
        let mut answers = if fit.is_empty() {
            Vec::new()
        } else {
            let answer = self.send(&fit, durability, now, deadline).await?;
            self.answers(&answer, &fit, durability)
        }
        .into_iter();
        let answer = |judged: Result<_>| match judged {
            Ok(_) => answers.next().unwrap_or_else(|| Err(missing())),
            Err(error) => Err(error),
        };
        Ok(judged.into_iter().map(answer).collect())
    }

    /// Sends a group, a second time if the first certainly did nothing because
    /// the session was an old one whose server has gone.
    async fn send(
        &self,
        group: &[&WriteBatch],
        durability: Durability,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Answer> {
        let program = Program::of(group);
        let is_volatile = durability == Durability::Volatile;
        let mut is_repeated = false;
        loop {
            let attempt = self.attempt(&program, is_volatile, now, deadline).await;
            match attempt {
                Err((error, Origin::Kept))
                    if !is_repeated
                        && error.kind() == ErrorKind::Unavailable
                        && error.outcome() == Some(Outcome::NotApplied) =>
                {
                    is_repeated = true;
                }
                attempt => return attempt.map_err(|(error, _)| error),
            }
        }
    }

    async fn attempt(
        &self,
        program: &Program<'_>,
        is_volatile: bool,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Answer, (Error, Origin)> {
        let not_applied = |error: Error| error.with_outcome(Outcome::NotApplied);
        let mut lease = self
            .pool
            .lend(deadline)
            .await
            .map_err(|error| (not_applied(error), Origin::New))?;
        let origin = lease.origin;
        if origin == Origin::New {
            lease
                .run(answer_by(deadline), begin)
                .await
                .map_err(|failure| (not_applied(failure.error), origin))?;
        }
        let above = self.floor.load(Ordering::Acquire);
        let session = lease
            .session()
            .map_err(|failure| (not_applied(failure.error), origin))?;
        session.attempts += 1;
        let (id, number, facts) = (session.facts.id, session.attempts, session.facts.clone());
        let call = Call {
            session: id,
            number,
            moment: moment(now),
            above: i64::try_from(above).unwrap_or(i64::MAX),
            is_volatile,
        };
        let answered = lease
            .run(answer_by(deadline), async |session| {
                call.send(program, &mut session.connection).await
            })
            .await;
        let failure = match answered {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        drop(lease);
        match failure.kind {
            FailureKind::Refused | FailureKind::Ended => Err((not_applied(failure.error), origin)),
            FailureKind::ReadOnly => {
                self.pool.forget();
                Err((not_applied(failure.error), origin))
            }
            FailureKind::Lost | FailureKind::TimedOut => {
                let fate = resolve::fate(&self.connector, &facts, number, deadline);
                let answer = Box::pin(fate).await.answer(failure.error);
                answer.map_err(|error| (error, origin))
            }
        }
    }

    /// The answers to the members of a group.
    fn answers(
        &self,
        answer: &Answer,
        group: &[&WriteBatch],
        durability: Durability,
    ) -> Vec<Result<Committed>> {
        let mut sequence = answer.first.cast_unsigned();
        let mut answers: Vec<_> = group
            .iter()
            .map(|_| {
                let committed = Committed::new(Some(Sequence::new(sequence)), durability);
                sequence += 1;
                Ok(committed)
            })
            .collect();
        self.floor
            .fetch_max(sequence.saturating_sub(1), Ordering::AcqRel);
        for (member, guard) in answer.refused.iter().zip(&answer.guards) {
            let (Ok(member), Ok(index)) = (usize::try_from(*member), usize::try_from(*guard))
            else {
                continue;
            };
            let guard = group
                .get(member)
                .and_then(|batch| batch.guards().get(index));
            if let (Some(answer), Some(guard)) = (answers.get_mut(member), guard) {
                *answer = Err(Error::conflict(index, guard));
            }
        }
        answers
    }
}

/// Does on a new session what is not to be done between a commit and its answer.
/// Nothing of a commit is sent yet.
async fn begin(session: &mut Session) -> sqlx::Result<()> {
    Call::prepare(&mut session.connection).await?;
    remove_old_outcomes(session).await
}

/// Removes what sessions have left that nobody asks about any more. The row of
/// the last commit stays: snapshots name it.
async fn remove_old_outcomes(session: &mut Session) -> sqlx::Result<()> {
    const REMOVE: &str = "DELETE FROM outcomes o USING (\
        SELECT session, slot FROM outcomes \
        WHERE updated_at < now() - interval '1 day' AND last < (SELECT max(last) FROM outcomes) \
        FOR UPDATE SKIP LOCKED\
        ) old WHERE o.session = old.session AND o.slot = old.slot";
    let remove = sqlx::query(REMOVE).persistent(false);
    remove.execute(&mut session.connection).await.map(drop)
}

fn missing() -> Error {
    Error::new(
        ErrorKind::Internal,
        "the server answered fewer commits than it was sent",
    )
    .with_outcome(Outcome::Unknown)
}
