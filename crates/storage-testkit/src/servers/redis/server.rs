//! A Redis server, from its start to its end.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{RedisServerConfig, RedisUser, client};
use crate::servers::{Authority, ServerError, ServerResult, place::Place, port, running::Running};

/// A Redis server in a temporary directory; dropping it ends it and removes the
/// directory, whatever state it is in.
///
/// All calls block, and may be made from several threads.
#[derive(Debug)]
pub struct RedisServer {
    // First, so that it is dropped first: it ends the process.
    pub(super) place: Place,
    pub(super) address: SocketAddr,
    pub(super) tls_address: SocketAddr,
    pub(super) administrator: RedisUser,
    pub(super) authority: Arc<Authority>,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug)]
pub(super) struct State {
    /// What the server is told to be like when it is started the next time.
    pub(super) config: RedisServerConfig,
    pub(super) running: Running,
    /// Who may log in, besides the administrator, and what they may do.
    pub(super) users: Vec<(RedisUser, String)>,
}

impl RedisServer {
    /// The server that all tests of this process may share, with the default
    /// configuration and 4,096 databases. It is started when it is first asked
    /// for, and ended with the process. Tests that break their server start [one
    /// of their own](RedisServerConfig::start).
    ///
    /// # Panics
    /// If it cannot be started; the message names what is missing.
    #[expect(
        clippy::panic,
        reason = "a test that cannot be set up says so by failing"
    )]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        let config = || RedisServerConfig::new().setting("databases", "4096");
        SHARED.get_or_init(|| match config().start() {
            Ok(server) => server,
            Err(error) => panic!("no Redis to test with: {error}"),
        })
    }

    /// Makes a place for a server, and starts it.
    pub(super) fn make(config: &RedisServerConfig) -> ServerResult<Self> {
        let administrator = RedisUser::new("default")?;
        Self::begin(config.clone(), administrator, Arc::new(Authority::new()?))
    }

    /// Makes a place for a server with the given administrator and authority, and
    /// starts it.
    pub(super) fn begin(
        config: RedisServerConfig,
        administrator: RedisUser,
        authority: Arc<Authority>,
    ) -> ServerResult<Self> {
        let place = Place::new("redis")?;
        let server = Self {
            address: port::free()?,
            tls_address: port::free()?,
            administrator,
            authority,
            state: Mutex::new(State {
                config,
                running: Running::not_yet(&place),
                users: Vec::new(),
            }),
            place,
        };
        let data = server.data();
        let made = fs::create_dir(&data).and_then(|()| server.place.account().own(&data));
        made.map_err(ServerError::system(format!("make {}", data.display())))?;
        server.start()?;
        Ok(server)
    }

    /// Where it listens without encryption, through all restarts.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for those who want TLS.
    #[must_use]
    pub const fn tls_address(&self) -> SocketAddr {
        self.tls_address
    }

    /// Who may do everything.
    #[must_use]
    pub const fn administrator(&self) -> &RedisUser {
        &self.administrator
    }

    /// Who signs its certificates.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The certificate of its authority as a file.
    #[must_use]
    pub fn authority_file(&self) -> PathBuf {
        self.place.root().join(Self::AUTHORITY_FILE)
    }

    /// The directory of its files.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.place.root()
    }

    /// Calls a command as the administrator, and returns its answer: the elements
    /// of an array each on a line of its own.
    ///
    /// # Errors
    /// With the server's own words if it refuses; if it does not answer.
    pub fn call(&self, words: &[&str]) -> ServerResult<String> {
        client::call(&self.socket(), self.administrator.password(), words)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.place.root().join("data")
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number that this process gives to nobody else: a database of the
/// [shared](RedisServer::shared) server for each test.
pub(super) fn next_database() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
