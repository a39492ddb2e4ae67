//! Sessions, kept for the next call by deadpool.

use deadpool::{
    Runtime,
    managed::{self, Object, PoolError},
};
use deadpool_redis::redis::RedisResult;
use storage_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, timeout_at};

use crate::{
    RedisHost,
    connect::{ASKED_AFTER, Connector},
    error::timed_out,
    failure::Failure,
    session::{Session, Taker, within},
};

/// Sessions with the server.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    sessions: managed::Pool<Connector>,
}

impl Pool {
    /// Sessions of which at most `max` are lent at once.
    pub(crate) fn new(connector: Connector, max: usize) -> Result<Self> {
        let sessions = managed::Pool::builder(connector)
            .max_size(max)
            .runtime(Runtime::Tokio1)
            // The one that was used last is the least likely to be dead.
            .queue_mode(managed::QueueMode::Lifo)
            .build();
        let sessions = sessions
            .map_err(|error| Error::new(ErrorKind::Internal, format!("no pool: {error}")))?;
        Ok(Self { sessions })
    }

    pub(crate) fn connector(&self) -> &Connector {
        self.sessions.manager()
    }

    /// Lends a session.
    ///
    /// # Errors
    /// As for making one; `TimedOut` where all are in use for too long; `Closed`
    /// once the pool is.
    pub(crate) async fn lend(&self, deadline: Instant) -> Result<Lease> {
        // What a pool needs for a session takes a lot of room.
        match timeout_at(deadline, Box::pin(self.sessions.get())).await {
            Ok(Ok(session)) => Ok(Lease {
                origin: match Object::metrics(&session).recycled {
                    None => Origin::New,
                    Some(_) => Origin::Kept,
                },
                session: Some(session),
                place: Place::Owner,
                is_busy: false,
            }),
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(PoolError::Closed)) => Err(Error::closed()),
            Ok(Err(error)) => Err(Error::new(ErrorKind::Internal, error.to_string())),
            Err(_) => Err(self.connector().not_in_time()),
        }
    }

    /// Gives up all sessions: their server is gone, or takes no writes any more.
    pub(crate) fn forget(&self) {
        self.connector().forget();
        self.sessions.retain(|_, _| false);
    }

    /// How many sessions there are, and how many of them wait to be lent.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let status = self.sessions.status();
        (status.size, status.available)
    }

    /// Ends all sessions, those that are lent as soon as they come back.
    pub(crate) fn close(&self) {
        self.sessions.close();
    }
}

/// Where a session comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It was just made, so its server was there a moment ago.
    New,
    /// It was used before.
    Kept,
}

/// A session that is lent. Dropped in the middle of a call, it is closed.
#[derive(Debug)]
pub(crate) struct Lease {
    /// INVARIANT: there until it is dropped.
    session: Option<Object<Connector>>,
    place: Place,
    is_busy: bool,
    pub(crate) origin: Origin,
}

/// With whom the session is that a lease is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// With who has the slot.
    Owner,
    /// With who the slot is on its way to.
    Taker,
}

impl Lease {
    /// Does `work` on the session, which is kept if the server has answered.
    pub(crate) async fn run<T>(
        &mut self,
        deadline: Instant,
        work: impl AsyncFnOnce(&mut Session) -> RedisResult<T>,
    ) -> Result<T, Failure> {
        self.is_busy = true;
        let session = self.session()?;
        let done = within(deadline, work(session)).await;
        session.used = Instant::now();
        self.is_busy = done
            .as_ref()
            .err()
            .is_some_and(|failure| !failure.leaves_connection());
        done
    }

    /// The session itself.
    ///
    /// # Errors
    /// If it is gone.
    pub(crate) fn session(&mut self) -> Result<&mut Session, Failure> {
        let owner = self.session.as_deref_mut().ok_or_else(Failure::lost)?;
        match self.place {
            Place::Owner => Ok(owner),
            Place::Taker => match &mut owner.taker {
                Some(taker) => Ok(&mut taker.session),
                None => Err(Failure::lost()),
            },
        }
    }

    /// From now on, this is about the node that the slot is on its way to.
    ///
    /// # Errors
    /// If it is not reached.
    pub(crate) async fn follow(
        &mut self,
        host: &RedisHost,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let owner = self.session.as_mut().ok_or_else(Failure::lost)?;
        let is_fresh =
            |taker: &Taker| taker.host == *host && taker.session.used.elapsed() < ASKED_AFTER;
        if !owner.taker.as_deref().is_some_and(is_fresh) {
            owner.taker = None;
            let pool = Object::pool(owner).ok_or_else(Failure::lost)?;
            // Rare, and it takes a lot of room.
            let connecting = Box::pin(pool.manager().connect_to_taker(host));
            let session = match timeout_at(deadline, connecting).await {
                Ok(session) => session.map_err(Failure::not_yet)?,
                Err(_) => {
                    return Err(Failure::not_yet(timed_out(
                        "no connection was made in time",
                    )));
                }
            };
            let host = host.clone();
            owner.taker = Some(Box::new(Taker { host, session }));
        }
        self.place = Place::Taker;
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_busy
            && let Some(session) = self.session.take()
        {
            drop(Object::take(session));
        }
    }
}
