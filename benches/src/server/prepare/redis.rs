//! A Redis server syncs each write before it answers, for both sides.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use storage::redis::RedisConfig;
use storage_testkit::servers::{RedisServer, RedisServerConfig};
use tokio::runtime::Runtime;

use crate::{
    overhead::{Stored, Target},
    server::{
        cell::{Side, content},
        plain::PlainRedis,
    },
};

/// The log is rewritten within this time.
const REWRITE_MAX: Duration = Duration::from_mins(1);

/// What is said of the server.
const TOLD: [&str; 4] = [
    "appendonly",
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "io-threads",
];

/// A server that rewrites its log only when it is told to.
pub(super) fn start() -> Result<RedisServer> {
    let config = RedisServerConfig::new().setting("auto-aof-rewrite-percentage", "0");
    Ok(config.start()?)
}

/// The URL of a new database with all entries.
pub(super) fn database(server: &RedisServer, side: Side, runtime: &Runtime) -> Result<String> {
    let url = server.new_database();
    let entries = content().entries();
    runtime.block_on(async {
        match side {
            Side::Plain => PlainRedis::connect(&url, 1)?.load(entries).await,
            Side::Store => {
                let store = Stored(RedisConfig::from_url(&url)?.open().await?);
                store.load(entries).await
            }
        }
    })?;
    Ok(url)
}

pub(super) fn settle(server: &RedisServer) -> Result<()> {
    server.call(&["BGREWRITEAOF"])?;
    let begun = Instant::now();
    while !is_settled(&server.call(&["INFO", "persistence"])?) {
        ensure!(begun.elapsed() < REWRITE_MAX, "the log is still rewritten");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn is_settled(info: &str) -> bool {
    ["aof_rewrite_in_progress:0", "aof_rewrite_scheduled:0"]
        .iter()
        .all(|line| info.contains(line))
}

pub(super) fn told(server: &RedisServer) -> String {
    let info = server.call(&["INFO", "server"]).unwrap_or_default();
    let version = info
        .lines()
        .find_map(|line| line.strip_prefix("redis_version:"));
    let settings = TOLD.map(|name| {
        let said = server.call(&["CONFIG", "GET", name]);
        said.map_or_else(
            |error| error.to_string(),
            |said| said.trim().replace('\n', " "),
        )
    });
    let version = version.unwrap_or("of an unknown version").trim_end();
    format!("Redis {version}, {}", settings.join(", "))
}
