//! What became of a commit whose answer is lost.
//!
//! A connection that is gone does nothing any more. So the old one is ended, if
//! its server still runs, and then the note that each commit leaves tells: it is
//! there, or it never will be.

use deadpool_redis::redis::{Cmd, RedisResult, cmd, from_redis_value};
use storage_core::{Durability, networked::Fate};
use tokio::time::{Instant, timeout_at};

use super::{Answer, following};
use crate::{
    connect::Connector,
    failure::{Failure, FailureKind},
    script,
    session::{Facts, Session, within},
};

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
pub(super) async fn fate(
    connector: &Connector,
    sent: &Sent<'_>,
    deadline: Instant,
) -> Fate<Answer> {
    Fate::look_up(deadline, || look(connector, sent, deadline)).await
}

/// Looks once; nothing if that tells nothing, but may in a moment.
async fn look(connector: &Connector, sent: &Sent<'_>, deadline: Instant) -> Option<Fate<Answer>> {
    let mut session = match timeout_at(deadline, connector.connect()).await {
        Ok(Ok(session)) => session,
        Ok(Err(error)) => return Fate::kept_from(error.kind()),
        Err(_) => return Some(Fate::Unknown),
    };
    let mut examined = examine(&mut session, connector, sent, deadline).await;
    if let Err(FailureKind::Arrived(host)) = examined.as_ref().map_err(|failure| &failure.kind)
        && let Ok(Ok(there)) =
            timeout_at(deadline, Box::pin(connector.connect_to_taker(host))).await
    {
        session = there;
        examined = examine(&mut session, connector, sent, deadline).await;
    }
    let answer = match examined {
        Ok(Some(answer)) => answer,
        Ok(None) => return Some(without_note(connector, sent, &session)),
        // The right to end connections is missing, or the store is; or the server is
        // busy, which passes.
        Err(Failure {
            kind: FailureKind::Refused | FailureKind::Broken,
            error,
        }) => return Fate::kept_from(error.kind()),
        Err(_) => return None,
    };
    let persistence = &session.facts.persistence;
    // Who has the note now may keep it less well.
    if !persistence.makes(sent.durability) {
        return persistence.missing.is_some().then_some(Fate::Unknown);
    }
    if sent.replicas > 0 {
        let waiting = following(&mut session, sent.replicas, deadline);
        match within(deadline, waiting).await {
            Ok(following) if following >= sent.replicas => {}
            _ => return Some(Fate::Unknown),
        }
    }
    Some(Fate::Applied(answer))
}

/// What it says of a commit that its note is not with a server.
fn without_note(connector: &Connector, sent: &Sent<'_>, session: &Session) -> Fate<Answer> {
    // The server that it was sent to may be cut off from those who replaced it, and
    // be seen by others for a while.
    let is_elsewhere = connector.may_be_replaced() && session.facts.server() != sent.facts.server();
    // The note may have been there, and be evicted.
    if is_elsewhere || connector.may_be_evicted() {
        return Fate::Unknown;
    }
    Fate::NotApplied
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
