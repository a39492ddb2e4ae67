//! What became of a commit whose answer is lost.
//!
//! A session that is gone does nothing any more. So the old session is ended,
//! and once it is gone, the row that a commit leaves in `outcomes` tells: it is
//! there, or it never will be.

use std::time::Duration;

use crate::sqlx::{self, PgConnection};
use storage_core::ErrorKind;
use tokio::time::{Instant, sleep_until};

use super::{Answer, SLOTS};
use crate::{
    connect::Connector,
    error::Failure,
    session::{Facts, Session, within},
};

/// How long to wait before looking again, at first and at most.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// What became of a commit.
#[derive(Debug)]
pub(super) enum Fate {
    Applied(Answer),
    /// It was not applied and never will be.
    NotApplied,
    Unknown,
}

/// Finds out what became of commit `number` of a session, or gives up at the
/// deadline.
pub(super) async fn fate(
    connector: &Connector,
    lost: &Facts,
    number: i64,
    deadline: Instant,
) -> Fate {
    let mut pause = PAUSE_MIN;
    loop {
        match connector.primary(deadline).await {
            Ok(mut session) => match examine(&mut session, lost, number, deadline).await {
                Ok(Some(answer)) => return Fate::Applied(answer),
                Ok(None) => return Fate::NotApplied,
                Err(_) => {}
            },
            Err(error) if is_for_good(error.kind()) => return Fate::Unknown,
            Err(_) => {}
        }
        let next = Instant::now() + pause;
        if next >= deadline {
            return Fate::Unknown;
        }
        sleep_until(next).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

const fn is_for_good(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::Unavailable | ErrorKind::TimedOut | ErrorKind::Throttled
    )
}

/// Ends the lost session, and reads what it left once it is gone.
async fn examine(
    session: &mut Session,
    lost: &Facts,
    number: i64,
    deadline: Instant,
) -> Result<Option<Answer>, Failure> {
    let mut pause = PAUSE_MIN;
    while within(deadline, end(&mut session.connection, lost)).await? {
        let next = Instant::now() + pause;
        if next >= deadline {
            return Err(Failure::timed_out());
        }
        sleep_until(next).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
    within(deadline, find(&mut session.connection, lost, number)).await
}

/// Ends the session; `false` if it is gone.
async fn end(connection: &mut PgConnection, lost: &Facts) -> sqlx::Result<bool> {
    const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE pid = $1 AND (extract(epoch FROM backend_start) * 1000000)::bigint = $2";
    let ended: Option<bool> = sqlx::query_scalar(END)
        .bind(lost.backend.pid)
        .bind(lost.backend.started)
        .fetch_optional(connection)
        .await?;
    Ok(ended.is_some())
}

/// Finds the row of a commit, and commits it once more: the commit may have been
/// cut off while it waited for a standby, and be lost with the next failover.
/// What waits behind it for the standbys waits for it, too.
async fn find(
    connection: &mut PgConnection,
    lost: &Facts,
    number: i64,
) -> sqlx::Result<Option<Answer>> {
    const FIND: &str = "UPDATE outcomes SET updated_at = now() \
        WHERE session = $1 AND slot = $2 AND attempt = $3 \
        RETURNING first, refused, guards";
    let slot = i16::try_from(number % SLOTS).unwrap_or_default();
    // All of the answer is awaited: the commit comes behind the row.
    let rows = sqlx::query(FIND)
        .bind(lost.id)
        .bind(slot)
        .bind(number)
        .fetch_all(connection)
        .await?;
    rows.first().map(|row| Answer::of(row, 0)).transpose()
}
