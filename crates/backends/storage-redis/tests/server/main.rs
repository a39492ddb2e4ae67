//! What the engine does with a real server: with one that refuses, breaks, stops,
//! is full or less durable than wanted, and beside other processes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod cluster;
mod durability;
mod failover;
mod garbage;
mod keys;
mod looked_up;
mod loss;
mod moving;
mod processes;
mod refusals;
mod sentinel;
mod told_sentinel;
mod unanswered;

use std::time::{Duration, Instant};

use storage_core::{Error, ErrorKind, Outcome, Result};
use storage_redis::{RedisBackend, RedisConfig};
use storage_testkit::servers::{RedisServer, blocking};

/// Where a database of the server is that all tests of this process share.
fn database() -> String {
    RedisServer::shared().new_database()
}

fn config(url: &str) -> RedisConfig {
    RedisConfig::from_url(url).unwrap()
}

async fn open(url: &str) -> RedisBackend {
    config(url).open().await.unwrap()
}

/// Where the administrator finds the first database of a server.
fn administrator(server: &RedisServer) -> String {
    server.url(server.administrator(), 0)
}

#[track_caller]
fn fails<T: std::fmt::Debug>(answer: Result<T>, kind: ErrorKind) -> Error {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    error
}

/// The error of a commit that certainly did nothing.
#[track_caller]
fn not_applied<T: std::fmt::Debug>(answer: Result<T>) -> Error {
    let error = answer.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::NotApplied), "{error:?}");
    error
}

/// The answer, and how long it took.
async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let begun = Instant::now();
    let answer = Box::pin(work).await;
    (answer, begun.elapsed())
}
