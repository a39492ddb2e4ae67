//! The suite over Redis.

use storage_core::{Components, Result};
use storage_redis::{RedisBackend, RedisConfig};
use storage_testkit::{Subject, servers::RedisServer};

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

storage_testkit::conformance!(Redis::new());
