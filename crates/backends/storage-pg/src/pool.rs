//! Sessions, kept for the next call.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::sqlx::{self, Connection};
use storage_core::{Error, Result};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::{
    connect::Connector,
    error::{Failure, timed_out},
    session::{Session, within},
};

/// A session that nobody has used for so long is asked whether it still lives
/// before anything is sent on it: what is sent to a dead one may have arrived.
const ASKED_AFTER: Duration = Duration::from_millis(200);

/// How long it may take to answer that.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// A session is replaced once it is so old, so that a server learns of changed
/// rights and a new address of a host is found.
const AGE_MAX: Duration = Duration::from_mins(30);

/// Sessions with servers of one kind.
#[derive(Debug)]
pub(crate) struct Pool {
    connector: Arc<Connector>,
    serves: Serves,
    permits: Arc<Semaphore>,
    idle: Mutex<Idle>,
}

/// Which servers a pool is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serves {
    Primary,
    Standby,
}

#[derive(Debug, Default)]
struct Idle {
    sessions: Vec<Session>,
    is_closed: bool,
}

impl Pool {
    /// Sessions of which at most `max` are lent at once.
    pub(crate) fn new(connector: Arc<Connector>, serves: Serves, max: usize) -> Arc<Self> {
        Arc::new(Self {
            connector,
            serves,
            permits: Arc::new(Semaphore::new(max)),
            idle: Mutex::new(Idle::default()),
        })
    }

    /// Lends a session.
    ///
    /// # Errors
    /// `Unavailable` or `TimedOut` where there is none, `Closed` once the pool
    /// is; what else servers say to those who connect.
    pub(crate) async fn lend(self: &Arc<Self>, deadline: Instant) -> Result<Lease> {
        let permits = Arc::clone(&self.permits);
        let permit = match timeout_at(deadline, permits.acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(Error::closed()),
            Err(_) => return Err(timed_out("all connections were in use for too long")),
        };
        while let Some(session) = self.take()? {
            if let Some(session) = still_alive(session, deadline).await {
                return Ok(self.lease(session, permit, Origin::Kept));
            }
            // The others are with the same server.
            self.forget();
        }
        let session = match self.serves {
            Serves::Primary => self.connector.primary(deadline).await?,
            Serves::Standby => self.connector.standby(deadline).await?,
        };
        Ok(self.lease(session, permit, Origin::New))
    }

    /// Gives up all sessions, other pools' as well: their server is gone, or is
    /// another one now.
    pub(crate) fn forget(&self) {
        self.connector.forget(self.serves);
        let sessions = mem::take(&mut self.idle().sessions);
        drop(sessions);
    }

    /// The latest history seen of a server that takes writes.
    pub(crate) fn timeline(&self) -> i64 {
        self.connector.timeline()
    }

    /// How many sessions wait to be lent.
    pub(crate) fn idle_count(&self) -> usize {
        self.idle().sessions.len()
    }

    /// Ends all sessions, those that are lent as soon as they come back.
    pub(crate) async fn close(&self) {
        self.permits.close();
        let sessions = {
            let mut idle = self.idle();
            idle.is_closed = true;
            mem::take(&mut idle.sessions)
        };
        for session in sessions {
            // There is nothing to lose with a session that cannot say goodbye.
            let goodbye = session.connection.close();
            let _ = within(Instant::now() + ANSWER_MAX, goodbye).await;
        }
    }

    fn take(&self) -> Result<Option<Session>> {
        let mut idle = self.idle();
        if idle.is_closed {
            return Err(Error::closed());
        }
        let now = Instant::now();
        while let Some(session) = idle.sessions.pop() {
            let is_young = now.duration_since(session.opened) < AGE_MAX;
            if is_young && !self.connector.is_outdated(&session) {
                return Ok(Some(session));
            }
        }
        Ok(None)
    }

    fn lease(
        self: &Arc<Self>,
        session: Session,
        permit: OwnedSemaphorePermit,
        origin: Origin,
    ) -> Lease {
        Lease {
            session: Some(session),
            is_busy: false,
            origin,
            pool: Arc::clone(self),
            _permit: permit,
        }
    }

    fn give_back(&self, mut session: Session) {
        session.used = Instant::now();
        let mut idle = self.idle();
        let is_welcome = !idle.is_closed
            && !self.connector.is_outdated(&session)
            && session.used.duration_since(session.opened) < AGE_MAX;
        if is_welcome {
            idle.sessions.push(session);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a session if it has been used of late, or answers.
async fn still_alive(mut session: Session, deadline: Instant) -> Option<Session> {
    let now = Instant::now();
    if now.duration_since(session.used) < ASKED_AFTER {
        return Some(session);
    }
    let by = deadline.min(now + ANSWER_MAX);
    let answer = within(by, session.connection.ping()).await;
    answer.is_ok().then_some(session)
}

/// Where a session comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It was just made, so its server was there a moment ago.
    New,
    /// It was used before.
    Kept,
}

/// A session that is lent. Dropped in the middle of a statement, it is closed,
/// since what comes back on it belongs to nobody.
#[derive(Debug)]
pub(crate) struct Lease {
    /// INVARIANT: there until it is dropped or taken.
    session: Option<Session>,
    is_busy: bool,
    pub(crate) origin: Origin,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// Does `work` on the session, which is kept if the server has answered.
    pub(crate) async fn run<T>(
        &mut self,
        deadline: Instant,
        work: impl AsyncFnOnce(&mut Session) -> sqlx::Result<T>,
    ) -> Result<T, Failure> {
        let Some(session) = &mut self.session else {
            return Err(Failure::lost());
        };
        self.is_busy = true;
        let done = within(deadline, work(session)).await;
        match &done {
            Err(failure) if failure.ends_session() => self.pool.forget(),
            Err(failure) if !failure.leaves_connection() => {}
            _ => self.is_busy = false,
        }
        done
    }

    /// Whether it is with a standby.
    pub(crate) fn is_with_standby(&self) -> bool {
        self.pool.serves == Serves::Standby
    }

    /// The session itself.
    ///
    /// # Errors
    /// If it is gone.
    pub(crate) fn session(&mut self) -> Result<&mut Session, Failure> {
        self.session.as_mut().ok_or_else(Failure::lost)
    }

    /// Keeps the session from being lent to anybody else afterwards.
    pub(crate) fn retire(&mut self) {
        self.is_busy = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take()
            && !self.is_busy
        {
            self.pool.give_back(session);
        }
    }
}

/// Lets a read be tried a second time if its session was an old one whose server
/// has gone.
#[derive(Debug, Default)]
pub(crate) struct Repeat {
    is_repeated: bool,
}

impl Repeat {
    /// The answer to the read, unless it is to be tried again.
    pub(crate) fn unless_stale<T>(
        &mut self,
        read: Result<T, Failure>,
        lease: &Lease,
    ) -> Option<Result<T>> {
        match read {
            Err(failure) if !self.is_repeated && failure.is_stale_session(lease) => {
                self.is_repeated = true;
                None
            }
            read => Some(read.map_err(Into::into)),
        }
    }
}
