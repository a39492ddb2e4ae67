//! The Redis engine: a hash and a sorted set that `redis-cli` can read, shared by
//! any number of processes.
//!
//! Redis 7 or later, by way of [deadpool-redis]. All processes that open the same
//! prefix of the same database have the same store: guards hold between them, and
//! commits have one order.
//!
//! ```no_run
//! use storage_core::{ReadExt, Store, StoreExt};
//! use storage_redis::RedisConfig;
//!
//! # async fn run() -> storage_core::Result<()> {
//! let store = RedisConfig::from_url("rediss://app@cache.example/0")?
//!     .open()
//!     .await?;
//! store.put("height/1", "b5bb9d80").await?;
//! assert!(store.exists("height/1").await?);
//! store.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # In the server
//! `docs/formats/redis.md` describes the keys, how to read them by hand, and the
//! rights that a user needs. All of a store is in memory, keys twice.
//!
//! # One order of commits
//! A group of commits is one script: one round trip. Redis runs one script at a
//! time, so commits of all processes follow each other, and large ones keep
//! everybody waiting: batches are limited to 16,384 operations, and range deletes
//! to [a number of entries](RedisConfig::range_entries_max).
//!
//! # Durability
//! What Redis promises is a matter of its configuration, which is looked at for
//! each new connection. While a log is being written anew that this store has not
//! seen whole (that of a new master, of a server that was just started, of any server when the store
//! is opened) `Synced` commits wait for its end, within their time limit, and health names it
//! `not_durable`. With `appendonly yes`, `appendfsync always` and
//! `no-appendfsync-on-rewrite no`, commits are `Synced`. With anything else they
//! are `Volatile`: a crash of the server may take the last of them, and a
//! `Synced` one is refused. There is no `Buffered`, since what is synced later is
//! in the server's own memory until then. [`durability`](RedisConfig::durability)
//! demands one of these when the store is opened, and says what is missing.
//!
//! [`wait_replicas`](RedisConfig::wait_replicas) makes each `Synced` commit wait for
//! replicas besides. If they do not follow in time, its outcome is `Unknown`.
//!
//! # When the answer is lost
//! A commit whose connection breaks, or whose answer does not come in time, is
//! looked up by another connection: the old one is ended first, so what has not
//! happened by then never will. The outcome is `Unknown` only
//! - if that cannot be done before the time limit, or is refused for good: a right is
//!   missing, a password is wrong, the store is gone;
//! - if the commit has left nothing, and that proves nothing: another server is asked than
//!   it was sent to, or eviction is allowed;
//! - if who has it now does not sync it as it was to be, or too few replicas have it;
//! - if a script has failed in its middle.
//!
//! A connection that cannot be made is `Unavailable`, with nothing applied.
//!
//! # Sentinel
//! With [`sentinel`](RedisConfig::sentinel), sentinels are asked where the master
//! is, for each new connection. What a failover may lose is the matter of
//! [`wait_replicas`](RedisConfig::wait_replicas). A master that was replaced answers
//! until it learns of it, so reads are declared eventual.
//!
//! # Cluster
//! With [`cluster`](RedisConfig::cluster), a store is spread over partitions, each
//! of which is what a store is elsewhere: four keys in one slot. A batch is atomic
//! within one of them, and `Unsupported` across several: keys that belong together
//! have a common part in braces, as `{account/7}/balance` and `{account/7}/log`.
//! Partitions know nothing of each other, so commits have no sequence, a crash may
//! take any of those that were not durable, and ranges cannot be deleted. Scans are
//! in order; each page asks all partitions, which are of one state each.
//!
//! While a slot moves to another node, gets of its partition are answered by who
//! has the entries. Commits, scans and opening wait, within their time limit, from when
//! the first of the four keys leaves until the last has arrived; if the partition has
//! no entries, until all of the slot has. A move that is broken off by a failover
//! leaves the keys split, and takes `redis-cli --cluster fix`.
//!
//! A partition that nobody serves holds up no other: calls wait for their own one
//! alone, but for scans, which need all. Redis itself refuses everything while a
//! slot is not served, unless `cluster-require-full-coverage` is `no`. A master that is gone is replaced by its replica: what was
//! acknowledged and that replica does not have is **lost**, unless
//! [`wait_replicas`](RedisConfig::wait_replicas) made the commit wait for it. Reads
//! are declared eventual.
//!
//! # Snapshots
//! Redis has none, and so neither has the store. Each page of a scan is of one
//! state.
//!
//! [deadpool-redis]: https://docs.rs/deadpool-redis

mod cluster;
mod commit;
mod config;
mod connect;
mod engine;
mod error;
mod failure;
mod host;
mod info;
mod open;
mod partition;
mod password;
mod pool;
mod read;
mod report;
mod scan;
mod script;
mod sentinel;
mod session;
mod snapshot;
mod spread;
mod tls;
mod url;
mod value;

pub use storage_core::networked::Secret;

pub use self::{
    cluster::RedisCluster,
    config::{Eviction, RedisConfig, RedisCreation},
    engine::RedisEngine,
    host::RedisHost,
    sentinel::RedisSentinel,
    snapshot::NoSnapshot,
    tls::RedisTls,
};

/// A store on Redis.
pub type RedisBackend = storage_core::networked::Networked<RedisEngine>;
