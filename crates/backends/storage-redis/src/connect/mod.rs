//! Connections to the server that takes writes.

mod judge;

use std::{
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use deadpool_redis::redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo,
    aio::MultiplexedConnection, cmd, io::tcp::TcpSettings,
};
use storage_core::{Error, ErrorKind, Result, Retry};
use tokio::time::{Instant, sleep, timeout};

use self::judge::Role;
use crate::{
    Eviction, RedisConfig, RedisHost,
    cluster::{self, slot_of},
    error::{from_redis, timed_out, unavailable},
    failure::Failure,
    script::Keys,
    sentinel,
    session::{Login, Session, within},
};

/// A session that nobody has used for so long is asked whether it still lives
/// before anything is sent on it: what is sent to a dead one may have arrived.
pub(crate) const ASKED_AFTER: Duration = Duration::from_millis(200);

/// How long it may take to answer that.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// A session is replaced once it is so old, so that a server learns of changed
/// rights, and we learn of its changed settings.
const AGE_MAX: Duration = Duration::from_mins(30);

/// How long to wait before sentinels are asked again.
const REPLACED_AFTER: Duration = Duration::from_millis(50);

/// Makes sessions, and judges those that were used.
#[derive(Debug)]
pub(crate) struct Connector {
    config: RedisConfig,
    /// Of several hosts, the one that answered the last time.
    preferred: AtomicUsize,
    way: Way,
    login: Login,
    connect_timeout: Duration,
    pub(crate) keys: Keys,
    /// Raised when all sessions there are come to be of no use.
    generation: AtomicU64,
    /// The store that must be there, once that is known.
    store: OnceLock<String>,
    /// The last log that was seen whole, by its name.
    whole_log: Mutex<String>,
    /// Why the last session could not be made, if it could not.
    trouble: Mutex<Option<String>>,
}

/// How the server is found.
#[derive(Debug)]
enum Way {
    /// It is the host.
    Straight,
    /// The hosts are sentinels, with which one logs in like this.
    Sentinels(Login),
    /// The hosts are nodes of a cluster; it is the master of this slot.
    Cluster { slot: u16 },
}

impl Connector {
    /// To the server of a store.
    pub(crate) fn new(config: &RedisConfig) -> Result<Self> {
        let way = match &config.sentinel {
            None => Way::Straight,
            Some(sentinel) => Way::Sentinels(sentinel.login()?),
        };
        Self::by(way, config, Keys::below(&config.prefix))
    }

    /// To the node that has a partition of a store.
    pub(crate) fn to_partition(config: &RedisConfig, partition: usize) -> Result<Self> {
        let slot = slot_of(&Keys::tag(&config.prefix, partition));
        let keys = Keys::of_partition(&config.prefix, partition);
        Self::by(Way::Cluster { slot }, config, keys)
    }

    fn by(way: Way, config: &RedisConfig, keys: Keys) -> Result<Self> {
        Ok(Self {
            preferred: AtomicUsize::new(0),
            way,
            config: config.clone(),
            login: Login {
                user: config.user.clone(),
                password: config.find_password()?,
                database: config.database,
            },
            connect_timeout: config.connect_timeout,
            keys,
            generation: AtomicU64::new(0),
            store: OnceLock::new(),
            whole_log: Mutex::default(),
            trouble: Mutex::default(),
        })
    }

    /// From now on, a server that does not hold this store is refused.
    pub(crate) fn settle(&self, store: String) {
        let _ = self.store.set(store);
    }

    /// The name of the store; empty before it is known.
    pub(crate) fn store(&self) -> &str {
        self.store.get().map_or("", String::as_str)
    }

    /// Gives up all sessions that were made so far.
    pub(crate) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        // What the one that was asked said is of no use any more.
        self.preferred.fetch_add(1, Ordering::Relaxed);
    }

    /// A new session with the server that takes writes.
    ///
    /// # Errors
    /// `Unavailable` and `TimedOut` if there is none; what servers say to those
    /// who connect; `Corrupt` if the store is not there any more.
    pub(crate) async fn connect(&self) -> Result<Session> {
        let hosts = &self.config.hosts;
        if let (Way::Straight, Some(host)) = (&self.way, hosts.first()) {
            return self.session(host).await;
        }
        let first = self.preferred.load(Ordering::Relaxed);
        let mut tried = Vec::new();
        let mut last = unavailable("nobody is named who knows the server".into());
        // While a master is replaced, one of them may know of it before another.
        for place in (0..hosts.len()).map(|place| first.wrapping_add(place) % hosts.len()) {
            let Some(host) = hosts.get(place) else {
                break;
            };
            let master = match self.master(host).await {
                Ok(master) if !tried.contains(&master) => master,
                Ok(_) => continue,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            match self.session(&master).await {
                Ok(session) => {
                    self.preferred.store(place, Ordering::Relaxed);
                    return Ok(session);
                }
                Err(error) => {
                    tried.push(master);
                    last = error;
                }
            }
        }
        Err(last)
    }

    /// A session with the node that the slot is on its way to.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub(crate) async fn connect_to_taker(&self, host: &RedisHost) -> Result<Session> {
        self.session_of(host, Role::Taker).await
    }

    /// A session with a server that takes writes.
    async fn session(&self, host: &RedisHost) -> Result<Session> {
        self.session_of(host, Role::Owner).await
    }

    async fn session_of(&self, host: &RedisHost, role: Role) -> Result<Session> {
        let generation = self.generation.load(Ordering::Acquire);
        let announces = role == Role::Taker;
        let connecting = self.within_timeout(host, async {
            let connection = self.connection(host).await?;
            let deadline = Instant::now() + self.connect_timeout;
            let meta = &self.keys.meta;
            Session::prepare(connection, &self.login, meta, announces, deadline).await
        });
        let mut session = connecting.await?;
        self.judge(&session, role)?;
        self.judge_log(&mut session.facts);
        session.generation = generation;
        Ok(session)
    }

    /// What is said when nobody gets a session in time.
    pub(crate) fn not_in_time(&self) -> Error {
        let trouble = self.trouble();
        let why = trouble.as_ref().map(|why| format!(": {why}"));
        timed_out(format!(
            "no connection was free or made in time{}",
            why.unwrap_or_default()
        ))
    }

    fn trouble(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the server may be another one the next time.
    pub(crate) const fn may_be_replaced(&self) -> bool {
        !matches!(self.way, Way::Straight)
    }

    /// Whether the server may evict what a commit has left.
    pub(crate) fn may_be_evicted(&self) -> bool {
        self.config.eviction == Eviction::Allowed
    }

    /// Whether what is elsewhere now may be found there.
    pub(crate) const fn is_in_cluster(&self) -> bool {
        matches!(self.way, Way::Cluster { .. })
    }

    /// Where a sentinel or a node of a cluster says that the master is.
    async fn master(&self, host: &RedisHost) -> Result<RedisHost> {
        let name = match &self.config.sentinel {
            Some(sentinel) => sentinel.master.as_str(),
            None => "",
        };
        let asking = self.within_timeout(host, async {
            let connection = self.connection(host).await?;
            Ok(match &self.way {
                Way::Straight => Some(host.clone()),
                Way::Sentinels(login) => sentinel::master(connection, login, name).await?,
                Way::Cluster { slot } => {
                    cluster::master(connection, &self.login, host, *slot).await?
                }
            })
        });
        let unknown = || {
            if let Way::Cluster { slot } = self.way {
                return unavailable(format!("{host}: nobody serves the slot {slot}"));
            }
            let message = format!("the sentinel {host} knows no master called `{name}`");
            Error::new(ErrorKind::Invalid, message)
        };
        asking.await?.ok_or_else(unknown)
    }

    async fn connection(&self, host: &RedisHost) -> Result<MultiplexedConnection, Failure> {
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            // Each call has a deadline of its own.
            .set_response_timeout(None);
        let info = connection_info(&self.config, host).map_err(Failure::before)?;
        let server = deadpool_redis::Manager::new_with_config(info, settings)?;
        Ok(server.create().await?)
    }

    /// What is answered in the time for an attempt to connect; the host is in
    /// what is said if nothing is.
    async fn within_timeout<T>(
        &self,
        host: &RedisHost,
        connecting: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T> {
        let error = match timeout(self.connect_timeout, connecting).await {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(failure)) => failure.error,
            Err(_) => timed_out("no connection was made in time"),
        };
        let named = Error::new(error.kind(), format!("{host}: {}", error.message()));
        let named = match error.retry() {
            Retry::After(delay) => named.with_retry_after(delay),
            Retry::Never => named,
        };
        Err(named.with_source(error))
    }
}

impl Manager for Connector {
    type Type = Session;
    type Error = Error;

    async fn create(&self) -> Result<Session> {
        loop {
            // Rare, and it takes a lot of room.
            let made = Box::pin(self.connect()).await;
            *self.trouble() = made.as_ref().err().map(|error| error.message().to_owned());
            match &made {
                // A master is being replaced. Whoever wants the session gives up in time.
                Err(error) if self.may_be_replaced() && passes(error.kind()) => {
                    sleep(REPLACED_AFTER).await;
                }
                _ => return made,
            }
        }
    }

    async fn recycle(&self, session: &mut Session, metrics: &Metrics) -> RecycleResult<Error> {
        let is_old = session.generation != self.generation.load(Ordering::Acquire);
        if is_old || metrics.age() > AGE_MAX {
            return Err(RecycleError::message("the session is too old"));
        }
        if session.used.elapsed() < ASKED_AFTER {
            return Ok(());
        }
        let ping = cmd("PING");
        let answer = within(Instant::now() + ANSWER_MAX, session.ask::<()>(&ping));
        let answer = Box::pin(answer).await;
        answer.map_err(|failure| RecycleError::Backend(failure.error))
    }
}

const fn passes(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::TimedOut)
}

fn connection_info(config: &RedisConfig, host: &RedisHost) -> Result<ConnectionInfo> {
    let (host, port) = (host.name().to_owned(), host.port());
    let address = match config.tls {
        None => ConnectionAddr::Tcp(host, port),
        Some(_) => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        },
    };
    // What it would do by itself, each session does in its own way.
    let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
    let info = address
        .into_connection_info()
        .map_err(from_redis)?
        .set_redis_settings(settings)
        .set_tcp_settings(TcpSettings::default().set_nodelay(true));
    match &config.tls {
        Some(tls) => tls.apply(info),
        None => Ok(info),
    }
}
