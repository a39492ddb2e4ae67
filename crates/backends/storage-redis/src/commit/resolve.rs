//! What became of a commit whose answer is lost.
//!
//! A connection that is gone does nothing any more. So the old one is ended, if
//! its server still runs, and then the note that each commit leaves tells: it is
//! there, or it never will be.

use std::time::Duration;

use deadpool_redis::redis::{Cmd, RedisResult, cmd, from_redis_value};
use storage_core::{Durability, ErrorKind};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Answer, following};
use crate::{
    connect::Connector,
    failure::{Failure, FailureKind},
    script,
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

/// A commit whose answer is lost.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    /// What is known of the session it was sent on.
    pub(super) facts: &'a Facts,
    /// The how manieth of that session it was.
    pub(super) number: u64,
    pub(super) durability: Durability,
    /// How many replicas have to have it.
    pub(super) replicas: u32,
}

/// Finds out what became of a commit, or gives up at the deadline. One that was
/// applied is as durable afterwards as if it had been answered.
pub(super) async fn fate(connector: &Connector, sent: &Sent<'_>, deadline: Instant) -> Fate {
    let lost = sent.facts;
    let replicas = sent.replicas;
    let mut pause = PAUSE_MIN;
    loop {
        match timeout_at(deadline, connector.connect()).await {
            Ok(Ok(mut session)) => {
                let mut examined = examine(&mut session, connector, sent, deadline).await;
                if let Err(FailureKind::Arrived(host)) =
                    examined.as_ref().map_err(|failure| &failure.kind)
                    && let Ok(Ok(there)) =
                        timeout_at(deadline, Box::pin(connector.connect_to_taker(host))).await
                {
                    session = there;
                    examined = examine(&mut session, connector, sent, deadline).await;
                }
                match examined {
                    // The server that it was sent to may be cut off from those who
                    // replaced it, and be seen by others for a while.
                    Ok(None)
                        if connector.may_be_replaced()
                            && session.facts.server() != lost.server() =>
                    {
                        return Fate::Unknown;
                    }
                    // The note may have been there, and be evicted.
                    Ok(None) if connector.may_be_evicted() => return Fate::Unknown,
                    Ok(None) => return Fate::NotApplied,
                    // Who has the note now may keep it less well.
                    Ok(Some(_)) if !session.facts.persistence.makes(sent.durability) => {
                        if session.facts.persistence.missing.is_some() {
                            return Fate::Unknown;
                        }
                    }
                    Ok(Some(answer)) if replicas == 0 => return Fate::Applied(answer),
                    Ok(Some(answer)) => {
                        let waiting = following(&mut session, replicas, deadline);
                        return match within(deadline, waiting).await {
                            Ok(following) if following >= replicas => Fate::Applied(answer),
                            _ => Fate::Unknown,
                        };
                    }
                    // The right to end connections is missing, or the store is.
                    Err(Failure {
                        kind: FailureKind::Refused | FailureKind::Broken,
                        ..
                    }) => return Fate::Unknown,
                    Err(_) => {}
                }
            }
            Ok(Err(error)) if is_for_good(error.kind()) => return Fate::Unknown,
            Ok(Err(_)) => {}
            Err(_) => return Fate::Unknown,
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

/// Ends the lost connection, and reads what its commit has left.
async fn examine(
    session: &mut Session,
    connector: &Connector,
    sent: &Sent<'_>,
    deadline: Instant,
) -> Result<Option<Answer>, Failure> {
    let lost = sent.facts;
    // Another process of the server knows nothing of the connection, and gives
    // its number to somebody else.
    if session.facts.server() == lost.server() {
        within(deadline, end(session, lost.client)).await?;
    }
    let add = |call: &mut Cmd| {
        call.arg(lost.name())
            .arg(sent.number)
            .arg(connector.store());
    };
    let find = async {
        let found = script::FIND.run(session, &connector.keys, add).await?;
        Ok(from_redis_value(found)?)
    };
    within(deadline, find).await
}

/// Ends a connection of this server. What it has sent and is not done yet is
/// never done: Redis does one thing at a time, and is doing this.
async fn end(session: &mut Session, client: u64) -> RedisResult<()> {
    let mut kill = cmd("CLIENT");
    kill.arg("KILL").arg("ID").arg(client);
    // How many there were: none, if it is gone already.
    session.ask::<u64>(&kill).await.map(drop)
}
