//! What the engine does with a real server: with one that refuses, breaks, stops
//! or fails over, and beside other processes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod codes;
mod failover;
mod identity;
mod integrity;
mod loss;
mod partitions;
mod processes;
mod refusals;
mod replicas;
mod rights;
mod schema;
mod upkeep;

use std::time::{Duration, Instant};

use storage_core::{Error, ErrorKind, Outcome, Result};
use storage_pg::{PgBackend, PgConfig};
use storage_testkit::servers::{PgDatabase, PgServer, blocking};

/// A database of the server that all tests of this process share.
fn database() -> PgDatabase {
    PgServer::shared().new_database().unwrap()
}

fn config(database: &PgDatabase) -> PgConfig {
    PgConfig::from_url(&database.url()).unwrap()
}

async fn open(database: &PgDatabase) -> PgBackend {
    config(database).open().await.unwrap()
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
