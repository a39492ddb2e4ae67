//! Redis by deadpool-redis, as one uses it: a pool of connections, and a key of
//! Redis for each entry.
//!
//! It asks each connection that was used before whether it is well, whenever it
//! lends it, and cannot be told not to.

use anyhow::{Context, Result, bail};
use deadpool_redis::{
    Config, Pool, PoolConfig, Runtime,
    redis::{cmd, pipe},
};
use storage::Durability;

use crate::overhead::{Pair, Target};

/// How many entries are loaded at once.
const LOAD_ENTRIES: usize = 1_000;

/// Keys of Redis, and their values.
pub(in crate::server) struct PlainRedis {
    pool: Pool,
}

impl PlainRedis {
    pub(in crate::server) fn connect(url: &str, connections: u32) -> Result<Self> {
        let mut config = Config::from_url(url);
        config.pool = Some(PoolConfig::new(usize::try_from(connections)?));
        let pool = config
            .create_pool(Some(Runtime::Tokio1))
            .context("making a pool")?;
        Ok(Self { pool })
    }
}

impl Target for PlainRedis {
    async fn load(&self, entries: Vec<Pair>) -> Result<()> {
        let mut connection = self.pool.get().await?;
        for chunk in entries.chunks(LOAD_ENTRIES) {
            let mut puts = pipe();
            for (key, value) in chunk {
                puts.set(key, value).ignore();
            }
            puts.query_async::<()>(&mut connection).await?;
        }
        Ok(())
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        let mut connection = self.pool.get().await?;
        let value: Option<Vec<u8>> = cmd("GET").arg(key).query_async(&mut connection).await?;
        Ok(value.map_or(0, |value| value.len()))
    }

    async fn scan(&self, _: &[u8], _: usize) -> Result<usize> {
        bail!("keys of Redis have no order")
    }

    /// `appendfsync` is `always`, so it is durable whatever is asked for.
    async fn put(&self, (key, value): Pair, _: Durability) -> Result<()> {
        let mut connection = self.pool.get().await?;
        cmd("SET")
            .arg(key)
            .arg(value)
            .query_async::<()>(&mut connection)
            .await?;
        Ok(())
    }
}
