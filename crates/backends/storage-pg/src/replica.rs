//! Reads that may be stale, from standbys that are provably fresh enough.
//!
//! The proof: at some moment, the primary's log reached up to a position. All
//! commits answered before that moment lie before it. A standby that has
//! replayed up to there shows them. So a read that may miss what was answered in
//! the last second goes to a standby that has replayed up to a position which the
//! primary had reached no longer ago than that. Both must be of the latest history
//! seen: after a failover, a standby that does not follow the new primary may have
//! replayed further, and something else.

use crate::sqlx;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use storage_core::Result;
use tokio::{sync::Mutex as AsyncMutex, time::Instant};

use crate::{
    pool::{Lease, Pool},
    session::{Position, ServerRole},
};

/// How long it may take to be lent a session with a standby: the primary, which
/// serves otherwise, is to have time left.
const LENT_WITHIN: Duration = Duration::from_millis(500);

/// How long standbys are left alone after one has failed.
const REST: Duration = Duration::from_secs(5);

/// How many positions of the primary are remembered.
const SAMPLES_MAX: usize = 16;

/// Standbys, and what is known of how far they are.
#[derive(Debug)]
pub(crate) struct Replicas {
    pool: Arc<Pool>,
    primary: Arc<Pool>,
    /// Where the primary's log was, at the latest at which time, the oldest
    /// first.
    samples: Mutex<Vec<Sample>>,
    /// Until when no standby is asked for anything.
    resting: Mutex<Option<Instant>>,
    /// One call at a time looks for a proof; others go to the primary meanwhile.
    proving: AsyncMutex<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    taken: Instant,
    position: Position,
}

impl Replicas {
    pub(crate) fn new(pool: Arc<Pool>, primary: Arc<Pool>) -> Self {
        Self {
            pool,
            primary,
            samples: Mutex::new(Vec::new()),
            resting: Mutex::new(None),
            proving: AsyncMutex::new(()),
        }
    }

    /// A session with a standby that shows every commit answered before
    /// `at_most` ago; `None` where there is no proof of any.
    pub(crate) async fn lend(&self, at_most: Duration, deadline: Instant) -> Option<Lease> {
        let now = Instant::now();
        let since = now.checked_sub(at_most)?;
        if self.resting().is_some_and(|until| now < until) {
            return None;
        }
        let lent = self
            .lend_fresh(since, deadline.min(now + LENT_WITHIN))
            .await;
        lent.unwrap_or_else(|_| {
            self.rest();
            None
        })
    }

    /// Leaves standbys alone for a while: one has failed.
    pub(crate) fn rest(&self) {
        *self.resting() = Some(Instant::now() + REST);
    }

    async fn lend_fresh(&self, since: Instant, deadline: Instant) -> Result<Option<Lease>> {
        let mut lease = self.pool.lend(deadline).await?;
        let is_fresh = self.is_fresh(&mut lease, since, deadline).await?;
        Ok(is_fresh.then_some(lease))
    }

    fn resting(&self) -> MutexGuard<'_, Option<Instant>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all sessions with standbys.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    async fn is_fresh(&self, lease: &mut Lease, since: Instant, deadline: Instant) -> Result<bool> {
        if lease.session()?.facts.role != ServerRole::Standby {
            // It was promoted: what it replayed is no measure any more.
            lease.retire();
            return Ok(false);
        }
        if self.has_position(since, lease.session()?.replayed) {
            return Ok(true);
        }
        self.refresh(since, deadline).await?;
        let replayed = lease
            .run(deadline, async |session| {
                const REPLAYED: &str = "SELECT \
                    (SELECT timeline_id FROM pg_control_checkpoint())::bigint, \
                    (pg_last_wal_replay_lsn() - '0/0')::bigint \
                    WHERE pg_is_in_recovery()";
                let replayed: Option<(i64, Option<i64>)> = sqlx::query_as(REPLAYED)
                    .fetch_optional(&mut session.connection)
                    .await?;
                if let Some((timeline, Some(bytes))) = replayed {
                    session.replayed = Position { timeline, bytes };
                }
                Ok(session.replayed)
            })
            .await?;
        Ok(self.has_position(since, replayed))
    }

    /// Whether the primary was at a position up to `replayed` at `since` or
    /// later, in the latest history.
    fn has_position(&self, since: Instant, replayed: Position) -> bool {
        if replayed.timeline != self.primary.timeline() {
            return false;
        }
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples
            .iter()
            .any(|sample| sample.taken >= since && replayed.includes(sample.position))
    }

    /// Asks the primary where its log is, unless that is known well enough or
    /// somebody else is asking.
    async fn refresh(&self, since: Instant, deadline: Instant) -> Result<()> {
        const POSITION: &str = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";
        let Ok(_proving) = self.proving.try_lock() else {
            return Ok(());
        };
        let now = Instant::now();
        // Once in half of the time that may pass is often enough.
        let is_recent = |sample: &Sample| sample.taken >= since + (now - since) / 2;
        if self.last().is_some_and(|sample| is_recent(&sample)) {
            return Ok(());
        }
        let mut lease = self.primary.lend(deadline).await?;
        let position = lease
            .run(deadline, async |session| {
                Ok(Position {
                    timeline: session.facts.timeline,
                    bytes: sqlx::query_scalar(POSITION)
                        .fetch_one(&mut session.connection)
                        .await?,
                })
            })
            .await?;
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() >= SAMPLES_MAX {
            samples.remove(0);
        }
        samples.push(Sample {
            taken: now,
            position,
        });
        Ok(())
    }

    fn last(&self) -> Option<Sample> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.last().copied()
    }
}
