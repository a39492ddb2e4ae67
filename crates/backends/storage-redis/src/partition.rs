//! One partition of a store: what one server has of it. A store that is not in a
//! cluster has one.

use std::time::Duration;

use storage_core::{Components, Durability, ErrorKind, Result, Sequence, networked::Pause};
use tokio::time::{Instant, timeout_at};

use crate::{
    RedisConfig,
    commit::Committer,
    connect::Connector,
    error::timed_out,
    failure::{Failure, FailureKind},
    open::{self, Header},
    pool::{Origin, Pool},
    script::Keys,
    session::{Question, Session},
};

/// Sessions that are no lanes: for statistics and upkeep.
const SPARE_SESSIONS: usize = 2;

/// A partition.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) pool: Pool,
    pub(crate) committer: Committer,
    /// How durable its server makes commits.
    pub(crate) durability_max: Durability,
    pub(crate) last: Sequence,
}

impl Partition {
    /// Opens it, or makes it: as a part of `store`, if that is there already.
    pub(crate) async fn open(
        connector: Connector,
        config: &RedisConfig,
        store: Option<&str>,
        components: &Components,
        deadline: Instant,
    ) -> Result<(Self, Header)> {
        let opening = Opening {
            connector: &connector,
            config,
            store,
            components,
        };
        let (session, header) = opening.prepare(deadline).await?;
        connector.settle(header.store.clone());
        let lanes = config
            .reads_at_once
            .saturating_add(config.commits_at_once.get());
        // Scans of several partitions have lanes of their own.
        let scans = config
            .cluster
            .as_ref()
            .map_or(0, |_| config.reads_at_once.get());
        let pool = Pool::new(connector, lanes.get() + scans + SPARE_SESSIONS)?;
        let committer = Committer::new(
            pool.clone(),
            header.last,
            config.range_entries_max,
            config.wait_replicas,
        );
        let partition = Self {
            committer,
            pool,
            durability_max: session.facts.persistence.durability_max(),
            last: header.last,
        };
        Ok((partition, header))
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.pool.connector().keys
    }

    /// Asks a question, a second time if the first was on an old session whose
    /// server has gone or takes no writes any more, and for as long as the
    /// partition is on its way to another node: there if all that the question is
    /// about has got there.
    pub(crate) async fn ask<Q: Question>(
        &self,
        question: &Q,
        deadline: Instant,
    ) -> Result<Q::Answer> {
        let mut is_repeated = false;
        let mut pause = pause();
        loop {
            let mut lease = self.pool.lend(deadline).await?;
            let ask = async |session: &mut Session| question.ask(session).await;
            let mut asked = lease.run(deadline, ask).await;
            if let Err(FailureKind::Arrived(host)) = asked.as_ref().map_err(|failure| &failure.kind)
            {
                // Rare, and it takes a lot of room.
                asked = Box::pin(async {
                    lease.follow(host, deadline).await?;
                    lease.run(deadline, ask).await
                })
                .await;
            }
            match asked {
                Err(failure)
                    if !is_repeated && lease.origin == Origin::Kept && is_stale(&failure) =>
                {
                    is_repeated = true;
                    self.pool.forget();
                }
                Err(failure) if failure.may_be_done_soon() => {
                    drop(lease);
                    if failure.is_elsewhere() {
                        self.pool.forget();
                    }
                    if !pause.before(deadline).await {
                        return Err(failure.into());
                    }
                }
                answer => return answer.map_err(Into::into),
            }
        }
    }
}

/// Where a partition is to be opened or made.
struct Opening<'a> {
    connector: &'a Connector,
    config: &'a RedisConfig,
    store: Option<&'a str>,
    components: &'a Components,
}

impl Opening<'_> {
    /// Prepares what is there, once it is whole where it is on its way to another node.
    async fn prepare(&self, deadline: Instant) -> Result<(Session, Header)> {
        let mut is_on_its_way = false;
        let mut pause = pause();
        loop {
            let failure = match self.attempt(deadline).await {
                Ok(prepared) => return Ok(prepared),
                Err(failure) => failure,
            };
            is_on_its_way |= failure.is_of_a_move();
            // At the end of the way, nodes may send each to another for a moment.
            let passes = is_on_its_way
                && matches!(
                    failure.error.kind(),
                    ErrorKind::Unavailable | ErrorKind::TimedOut
                );
            if !passes || !pause.before(deadline).await {
                return Err(failure.into());
            }
        }
    }

    /// Prepares it here, or there if all of it has got there.
    async fn attempt(&self, deadline: Instant) -> Result<(Session, Header), Failure> {
        let mut session = in_time(deadline, self.connector.connect()).await?;
        let mut prepared = self.prepare_by(&mut session, deadline).await;
        if let Err(FailureKind::Arrived(host)) = prepared.as_ref().map_err(|failure| &failure.kind)
        {
            // Rare, and it takes a lot of room.
            let connecting = Box::pin(self.connector.connect_to_taker(host));
            let connected = in_time(deadline, connecting).await;
            // It may have arrived for good meanwhile.
            session = connected.map_err(|failure| Failure::not_yet(failure.error))?;
            prepared = self.prepare_by(&mut session, deadline).await;
        }
        prepared.map(|header| (session, header))
    }

    async fn prepare_by(
        &self,
        session: &mut Session,
        deadline: Instant,
    ) -> Result<Header, Failure> {
        let keys = &self.connector.keys;
        let (config, store) = (self.config, self.store);
        open::prepare(session, keys, config, store, self.components, deadline).await
    }
}

/// The session, if it is made in time.
async fn in_time(
    deadline: Instant,
    connecting: impl Future<Output = Result<Session>>,
) -> Result<Session, Failure> {
    let connected = timeout_at(deadline, connecting).await;
    connected
        .unwrap_or_else(|_| Err(timed_out("no connection was made in time")))
        .map_err(Failure::before)
}

/// Whether a session has ended without its fault.
const fn is_stale(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Lost | FailureKind::ReadOnly)
}

/// The pauses before a partition is asked again that is on its way to another node.
pub(crate) const fn pause() -> Pause {
    const MIN: Duration = Duration::from_millis(5);
    const MAX: Duration = Duration::from_millis(100);
    Pause::between(MIN, MAX)
}
