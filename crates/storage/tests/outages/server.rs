//! A PostgreSQL server behind a proxy.

use std::time::Duration;

use storage::{
    Result,
    pg::{PgBackend, PgConfig},
};
use storage_testkit::servers::{PgDatabase, PgServer, PgServerConfig, Proxy, ServerResult};

#[derive(Debug)]
pub(crate) struct Server {
    postgres: PgServer,
    pub(crate) proxy: Proxy,
    database: PgDatabase,
}

impl Server {
    pub(crate) fn start() -> ServerResult<Self> {
        let postgres = PgServerConfig::new().start()?;
        let database = postgres.new_database()?;
        let proxy = Proxy::start(postgres.address())?;
        Ok(Self {
            postgres,
            proxy,
            database,
        })
    }

    /// The server's processes are killed, as by a loss of power; nobody listens.
    pub(crate) fn kill(&self) -> ServerResult {
        self.postgres.kill()?;
        self.proxy.refuse()?;
        self.proxy.cut()
    }

    pub(crate) fn start_again(&self) -> ServerResult {
        self.postgres.start()?;
        self.proxy.heal()
    }

    /// How long a call may take.
    pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(3);

    /// The engine alone.
    pub(crate) async fn open_engine(&self) -> Result<PgBackend> {
        let mut config = PgConfig::from_url(&self.database.url_at(self.proxy.address()))?;
        config.time_limit = Self::TIME_LIMIT;
        config.connect_timeout = Duration::from_secs(1);
        config.open().await
    }
}
