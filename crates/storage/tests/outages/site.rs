//! A PostgreSQL server behind a proxy, and the stack on it.

use std::{num::NonZeroU32, time::Duration};

use storage::{
    Result, SharedStore, Stack,
    cache::{CacheConfig, CacheLayer},
    fallback::{FallbackConfig, FallbackLayer, StandbyWrites},
    pg::{PgBackend, PgConfig},
    resilience::{CircuitConfig, ResilienceConfig, ResilienceLayer},
};
use storage_testkit::servers::{PgDatabase, PgServer, PgServerConfig, Proxy, ServerResult};

#[derive(Debug)]
pub(crate) struct Site {
    server: PgServer,
    proxy: Proxy,
    database: PgDatabase,
}

impl Site {
    pub(crate) fn start() -> ServerResult<Self> {
        let server = PgServerConfig::new().start()?;
        let database = server.new_database()?;
        let proxy = Proxy::start(server.address())?;
        Ok(Self {
            server,
            proxy,
            database,
        })
    }

    /// The server's processes are killed, as by a loss of power; nobody listens.
    pub(crate) fn kill(&self) -> ServerResult {
        self.server.kill()?;
        self.proxy.refuse()?;
        self.proxy.cut()
    }

    pub(crate) fn start_again(&self) -> ServerResult {
        self.server.start()?;
        self.proxy.heal()
    }

    /// The engine alone.
    pub(crate) async fn open_engine(&self) -> Result<PgBackend> {
        let mut config = PgConfig::from_url(&self.database.url_at(self.proxy.address()))?;
        config.time_limit = Duration::from_secs(3);
        config.connect_timeout = Duration::from_secs(1);
        config.open().await
    }

    /// The whole stack.
    pub(crate) async fn open(&self) -> Result<SharedStore> {
        const FEW: NonZeroU32 = NonZeroU32::new(5).unwrap();
        const TWO: NonZeroU32 = NonZeroU32::new(2).unwrap();
        let short = Duration::from_millis(100);
        let circuit = CircuitConfig::new()
            .opens_at(Duration::from_secs(1), FEW, 50)
            .closes_after(short, NonZeroU32::MIN);
        let resilience = ResilienceConfig::new().attempts_max(TWO).circuit(circuit);
        let fallback = FallbackConfig::new()
            .writes(StandbyWrites::Overwriting)
            .probes(short, short * 4);
        let stack = Stack::on(self.open_engine().await?)
            .with(ResilienceLayer::new(resilience))
            .with(CacheLayer::new(CacheConfig::exclusive(1 << 20)))
            .with(FallbackLayer::new(fallback));
        Ok(SharedStore::new(Box::pin(stack.open()).await?))
    }
}
