//! A PostgreSQL server, from its start to its end.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use super::{PgRole, PgServerConfig, programs};
use crate::servers::{Authority, ServerResult, place::Place, port, running::Running, tool};

/// A PostgreSQL server in a temporary directory; dropping it ends it and removes
/// the directory, whatever state it is in.
///
/// All calls block, and may be made from several threads.
#[derive(Debug)]
pub struct PgServer {
    // First, so that it is dropped first: it ends the process.
    pub(super) place: Place,
    pub(super) address: SocketAddr,
    pub(super) superuser: PgRole,
    /// Shared with its standbys: whoever trusts the one trusts the others.
    pub(super) authority: Arc<Authority>,
    state: Mutex<State>,
}

/// What changes.
#[derive(Debug)]
pub(super) struct State {
    /// What the server was told to be like, by the configuration and since.
    pub(super) config: PgServerConfig,
    pub(super) running: Running,
}

impl PgServer {
    /// The database that is always there.
    pub const MAINTENANCE: &'static str = "postgres";

    /// The server that all tests of this process may share, with the default
    /// configuration. It is started when it is first asked for, and ended with
    /// the process. Tests that break their server start [one of their
    /// own](PgServerConfig::start).
    ///
    /// # Panics
    /// If it cannot be started; the message names what is missing.
    #[expect(
        clippy::panic,
        reason = "a test that cannot be set up says so by failing"
    )]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PgServer> = OnceLock::new();
        SHARED.get_or_init(|| match PgServerConfig::new().start() {
            Ok(server) => server,
            Err(error) => panic!("no PostgreSQL to test with: {error}"),
        })
    }

    /// Makes a cluster and starts its server.
    pub(super) fn make(config: &PgServerConfig) -> ServerResult<Self> {
        let place = Place::new("pg")?;
        let superuser = PgRole::new("postgres")?;
        let password = place.write("password", superuser.password())?;
        let mut initdb = programs::program("initdb")?;
        initdb
            .args(["--username", superuser.name()])
            .args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"])
            // What is synced here has nothing in it yet.
            .args(["--no-sync", "--no-instructions", "--pwfile"])
            .arg(password)
            .arg("--pgdata")
            .arg(Self::data_in(&place))
            .current_dir(place.root());
        place.account().run(&mut initdb);
        tool::output(&mut initdb)?;
        let authority = Arc::new(Authority::new()?);
        Self::begin(place, superuser, authority, config.clone())
    }

    /// Starts a server for the first time over the data that is in its place.
    pub(super) fn begin(
        place: Place,
        superuser: PgRole,
        authority: Arc<Authority>,
        config: PgServerConfig,
    ) -> ServerResult<Self> {
        let server = Self {
            address: port::free()?,
            superuser,
            authority,
            state: Mutex::new(State {
                config,
                running: Running::not_yet(&place),
            }),
            place,
        };
        server.write_authority()?;
        server.start()?;
        Ok(server)
    }

    /// Where it listens, through all restarts.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who may do everything.
    #[must_use]
    pub const fn superuser(&self) -> &PgRole {
        &self.superuser
    }

    /// Who signs its certificates.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The certificate of its authority as a file, for `sslrootcert`.
    #[must_use]
    pub fn authority_file(&self) -> PathBuf {
        self.place.root().join(Self::AUTHORITY_FILE)
    }

    /// The directory of its files.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.place.root()
    }

    pub(super) fn data(&self) -> PathBuf {
        Self::data_in(&self.place)
    }

    pub(super) fn data_in(place: &Place) -> PathBuf {
        place.root().join("data")
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
