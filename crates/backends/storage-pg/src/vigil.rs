//! Waiting for what may take hours: for as long as the server is at it.

use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use tokio::time::{Instant, sleep};

use crate::{
    connect::Connector,
    error::Failure,
    session::{Backend, Facts, within},
    sqlx::{self, PgConnection},
};

/// How often to ask whether the server still is. A network that has gone silent
/// does not tell.
const ASKED_EVERY: Duration = Duration::from_secs(15);

/// How long the answer to that may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The end of `work`, which is done on the session of `facts`.
///
/// # Errors
/// What `work` ends with; that the session is lost, once its server says so on
/// another one, or cannot be reached.
pub(crate) async fn wait_for<T>(
    connector: &Connector,
    facts: &Facts,
    work: impl Future<Output = sqlx::Result<T>>,
) -> Result<T, Failure> {
    let watch = async {
        loop {
            sleep(ASKED_EVERY).await;
            if let Err(failure) = ask(connector, facts.backend).await {
                return failure;
            }
        }
    };
    match select(pin!(work), pin!(watch)).await {
        Either::Left((done, _)) => Ok(done?),
        Either::Right((failure, _)) => Err(failure),
    }
}

/// Asks on another session whether one is there.
async fn ask(connector: &Connector, backend: Backend) -> Result<(), Failure> {
    let deadline = Instant::now() + ANSWER_MAX;
    let mut session = connector
        .primary(deadline)
        .await
        .map_err(Failure::unreachable)?;
    if within(deadline, is_there(&mut session.connection, backend)).await? {
        Ok(())
    } else {
        Err(Failure::lost())
    }
}

async fn is_there(connection: &mut PgConnection, backend: Backend) -> sqlx::Result<bool> {
    const IS_THERE: &str = "SELECT EXISTS (SELECT FROM pg_stat_activity \
        WHERE pid = $1 AND (extract(epoch FROM backend_start) * 1000000)::bigint = $2)";
    sqlx::query_scalar(IS_THERE)
        .bind(backend.pid)
        .bind(backend.started)
        .persistent(false)
        .fetch_one(connection)
        .await
}
