//! Connections to the server that takes writes.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use deadpool_redis::redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo,
    cmd, io::tcp::TcpSettings,
};
use storage_core::{Error, ErrorKind, Result, Retry};
use tokio::time::{Instant, timeout};

use crate::{
    RedisConfig, RedisHost,
    error::{Failure, corrupt, from_redis, timed_out, unavailable},
    script::Keys,
    session::{Login, Session, within},
};

/// The oldest version that has all that is used.
const VERSION_MIN: u32 = 7;

/// A session that nobody has used for so long is asked whether it still lives
/// before anything is sent on it: what is sent to a dead one may have arrived.
const ASKED_AFTER: Duration = Duration::from_millis(200);

/// How long it may take to answer that.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// A session is replaced once it is so old, so that a server learns of changed
/// rights, and we learn of its changed settings.
const AGE_MAX: Duration = Duration::from_mins(30);

/// Makes sessions, and judges those that were used.
#[derive(Debug)]
pub(crate) struct Connector {
    host: RedisHost,
    server: deadpool_redis::Manager,
    login: Login,
    connect_timeout: Duration,
    pub(crate) keys: Keys,
    /// Raised when all sessions there are come to be of no use.
    generation: AtomicU64,
    /// The store that must be there, once that is known.
    store: OnceLock<String>,
}

impl Connector {
    pub(crate) fn new(config: &RedisConfig) -> Result<Self> {
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(config.connect_timeout))
            // Each call has a deadline of its own.
            .set_response_timeout(None);
        let server = deadpool_redis::Manager::new_with_config(connection(config)?, settings);
        Ok(Self {
            host: config.host.clone(),
            server: server.map_err(from_redis)?,
            login: Login {
                user: config.user.clone(),
                password: config.find_password()?,
                database: config.database,
            },
            connect_timeout: config.connect_timeout,
            keys: Keys::below(&config.prefix),
            generation: AtomicU64::new(0),
            store: OnceLock::new(),
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
    }

    /// A new session with the server that takes writes.
    ///
    /// # Errors
    /// `Unavailable` and `TimedOut` if there is none; what servers say to those
    /// who connect; `Corrupt` if the store is not there any more.
    pub(crate) async fn connect(&self) -> Result<Session> {
        let generation = self.generation.load(Ordering::Acquire);
        let connecting = async {
            let connection = self.server.create().await.map_err(Failure::from)?;
            let deadline = Instant::now() + self.connect_timeout;
            Session::prepare(connection, &self.login, &self.keys.meta, deadline).await
        };
        let session = match timeout(self.connect_timeout, connecting).await {
            Ok(session) => session.map_err(|failure| self.named(failure.error))?,
            Err(_) => return Err(self.named(timed_out("no connection was made in time"))),
        };
        self.judge(&session)?;
        Ok(Session {
            generation,
            ..session
        })
    }

    /// An error with the host that could not be reached.
    fn named(&self, error: Error) -> Error {
        let named = Error::new(error.kind(), format!("{}: {}", self.host, error.message()));
        let named = match error.retry() {
            Retry::After(delay) => named.with_retry_after(delay),
            Retry::Never => named,
        };
        named.with_source(error)
    }

    fn judge(&self, session: &Session) -> Result<()> {
        let (info, store) = (&session.facts.info, &session.facts.store);
        let version = info.version();
        if version < VERSION_MIN {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("the server is Redis {version}; this takes 7 or later"),
            ));
        }
        if info.text("redis_mode") == "cluster" {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the server is a node of a cluster; name one that stands alone",
            ));
        }
        if info.text("role") != "master" {
            return Err(unavailable(
                "the server is a replica, which takes no writes; name its master".into(),
            ));
        }
        match self.store.get() {
            Some(expected) if store.as_ref() != Some(expected) => Err(corrupt(
                "the store is not on the server any more: it was removed, or the server lost it",
            )),
            _ => Ok(()),
        }
    }
}

impl Manager for Connector {
    type Type = Session;
    type Error = Error;

    async fn create(&self) -> Result<Session> {
        // Rare, and it takes a lot of room.
        Box::pin(self.connect()).await
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

fn connection(config: &RedisConfig) -> Result<ConnectionInfo> {
    let (host, port) = (config.host.name().to_owned(), config.host.port());
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
