//! Redis, as a server of a test's own.
//!
//! Its data, configuration, socket and log lie in one temporary directory.
//! Whoever reaches the socket there, and knows the password, may do everything.

mod client;
mod cluster;
mod config;
mod files;
mod lifecycle;
mod programs;
mod replication;
mod sentinel;
mod server;
mod users;

pub use self::{
    cluster::RedisCluster,
    config::{RedisServerConfig, RedisServerTls},
    sentinel::RedisSentinels,
    server::RedisServer,
    users::RedisUser,
};
