//! What became of a commit whose answer is lost.
//!
//! A session that is gone does nothing any more. So the old session is ended,
//! and once it is gone, the row that a commit leaves in `outcomes` tells: it is
//! there, or it never will be.

use crate::sqlx::{self, PgConnection};
use storage_core::networked::Fate;
use tokio::time::Instant;

use super::{Answer, SLOTS};
use crate::{
    connect::Connector,
    error::Failure,
    session::{Facts, Session, within},
};

/// Finds out what became of commit `number` of a session, or gives up at the
/// deadline.
pub(super) async fn fate(
    connector: &Connector,
    lost: &Facts,
    number: i64,
    deadline: Instant,
) -> Fate<Answer> {
    Fate::look_up(deadline, || look(connector, lost, number, deadline)).await
}

/// Looks once; nothing if that tells nothing, but may in a moment.
async fn look(
    connector: &Connector,
    lost: &Facts,
    number: i64,
    deadline: Instant,
) -> Option<Fate<Answer>> {
    let mut session = match connector.primary(deadline).await {
        Ok(session) => session,
        Err(error) => return Fate::kept_from(error.kind()),
    };
    match examine(&mut session, lost, number, deadline).await {
        Ok(Some(answer)) => Some(Fate::Applied(answer)),
        Ok(None) => Some(Fate::NotApplied),
        Err(_) => None,
    }
}

/// Ends the lost session, and reads what it left once it is gone.
async fn examine(
    session: &mut Session,
    lost: &Facts,
    number: i64,
    deadline: Instant,
) -> Result<Option<Answer>, Failure> {
    let mut pause = Fate::<Answer>::pause();
    while within(deadline, end(&mut session.connection, lost)).await? {
        if !pause.before(deadline).await {
            return Err(Failure::timed_out());
        }
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
