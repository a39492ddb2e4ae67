//! The suite over Redis: over a server that stands alone, a master that sentinels
//! name, and a cluster.

use storage_core::{Components, Result};
use storage_redis::{RedisBackend, RedisConfig, Secret};
use storage_testkit::{
    Subject,
    servers::{RedisCluster, RedisSentinels, RedisServer},
};

/// A database of the server that this process shares.
struct Redis(String);

impl Redis {
    fn new() -> Self {
        Self(RedisServer::shared().new_database())
    }
}

impl Subject for Redis {
    type Store = RedisBackend;
    const ENGINE: &'static str = "redis";

    async fn open(&self, components: Components) -> Result<RedisBackend> {
        let config = RedisConfig::from_url(&self.0)?;
        config.open_with(components).await
    }
}

/// A database of the master that this process shares.
struct Watched(String);

impl Watched {
    fn new() -> Self {
        Self(RedisSentinels::shared().new_database())
    }
}

impl Subject for Watched {
    type Store = RedisBackend;
    const ENGINE: &'static str = "redis";

    async fn open(&self, components: Components) -> Result<RedisBackend> {
        let mut config = RedisConfig::from_url(&self.0)?;
        let password = RedisSentinels::shared().administrator().password();
        if let Some(sentinel) = &mut config.sentinel {
            sentinel.password = Some(Secret::new(password));
        }
        config.open_with(components).await
    }
}

/// A store of its own in the cluster that this process shares.
struct Spread(String);

impl Spread {
    fn new() -> Self {
        Self(RedisCluster::shared().new_prefix())
    }
}

impl Subject for Spread {
    type Store = RedisBackend;
    const ENGINE: &'static str = "redis-cluster";

    async fn open(&self, components: Components) -> Result<RedisBackend> {
        let config = RedisConfig::from_url(&self.0)?;
        config.open_with(components).await
    }
}

mod alone {
    storage_testkit::conformance!(super::Redis::new());
}

mod sentinel {
    storage_testkit::conformance!(super::Watched::new());
}

mod cluster {
    storage_testkit::conformance!(super::Spread::new());
}
