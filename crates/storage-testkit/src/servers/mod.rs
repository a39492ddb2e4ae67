//! Real servers for tests of stores across a network, and bad days for them.
//!
//! A [`PgServer`] is a PostgreSQL of a test's own: in a temporary directory, on
//! a free port of the loopback, with passwords and certificates made on the spot.
//! It can be killed, paused, restarted and given a [standby](PgServer::standby)
//! to fail over to. A [`RedisServer`] is the same for Redis. An [`S3Server`] is an
//! S3 in memory, which answers badly when it is told to; a
//! [`GarageServer`] is one of three nodes, an [`AzuriteServer`] speaks as Azure does. A [`Proxy`] stands before
//! any server and delays, throttles or cuts what passes.
//!
//! ```no_run
//! use storage_testkit::servers::{PgServerConfig, PgServer, Proxy, ServerResult};
//!
//! # fn main() -> ServerResult<()> {
//! // One server for all tests of a process; each takes a database of its own.
//! let database = PgServer::shared().new_database()?;
//! connect(&database.url());
//!
//! // A server of a test's own, to break.
//! let server = PgServerConfig::new().setting("max_connections", "20").start()?;
//! let database = server.new_database()?;
//! let proxy = Proxy::start(server.address())?;
//! connect(&database.url_at(proxy.address()));
//! proxy.cut()?;
//! server.kill()?;
//! server.start()?;
//! # Ok(())
//! # }
//! # fn connect(_: &str) {}
//! ```
//!
//! # Who starts them
//! The tests do. Whoever needs a server starts it, or takes the one that its
//! process shares, so that `cargo test -p` of one crate works by itself and no
//! verdict depends on what happens to run on the machine. The packages must be
//! there: `cargo xtask test` installs them, and a server that cannot be started
//! names them. `cargo xtask services up` starts the same servers for people and
//! programs; no test looks for those.
//!
//! # Who ends them
//! A watchdog: a small process beside each server, which waits for the process
//! that started the server to let go of a pipe, and then ends the server and
//! removes its directory. Letting go is what dropping does, and what the kernel
//! does at an exit, a panic, Ctrl-C or a SIGKILL. So there is one way to end a
//! server, and every test goes through it.
//!
//! # Calls block
//! No call of a server or proxy needs a runtime. In async code that must go on
//! meanwhile, put them in [`blocking`]: all take `&self`, and servers and proxies are `Sync`.
//!
//! Linux only: which processes are a server's is read from `/proc`.

mod account;
mod azurite;
mod blocking;
mod error;
mod garage;
mod pg;
mod place;
mod port;
mod process;
mod proxy;
mod redis;
mod running;
mod s3;
mod secret;
mod tls;
mod tool;

use self::account::Account;
pub use self::{
    azurite::AzuriteServer,
    blocking::blocking,
    error::{ServerError, ServerResult},
    garage::{GarageBucket, GarageServer},
    pg::{PgDatabase, PgRole, PgServer, PgServerConfig, PgServerTls, Replication},
    proxy::{Direction, Proxy},
    redis::{
        RedisCluster, RedisSentinels, RedisServer, RedisServerConfig, RedisServerTls, RedisUser,
    },
    s3::{S3Bucket, S3Conditions, S3Fault, S3Server, S3When},
    tls::{Authority, Certificate, Identity},
};

#[cfg(test)]
mod tests;
