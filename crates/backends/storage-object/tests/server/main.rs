//! What the engine does with a real server: with one that refuses, ignores, breaks
//! or stops, and beside other processes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod bad_input;
mod codes;
mod contents;
mod credentials;
mod loss;
mod processes;
mod races;

use std::time::{Duration, Instant};

use storage_core::{Error, ErrorKind, Outcome, Result, networked::Secret};
use storage_object::{ObjectBackend, ObjectConditions, ObjectConfig, ObjectPlace, ObjectReads};
use storage_testkit::servers::{S3Bucket, S3Fault, S3Server, S3When, blocking};

/// The store at `url`, which no other test uses.
fn config_of(url: &str) -> ObjectConfig {
    let mut config = ObjectConfig::from_url(url).unwrap();
    if let ObjectPlace::S3(place) = &mut config.place {
        place.access_key = Some(("tests".into(), Secret::new("hidden-key")));
    }
    // What these tests prove of this server, nobody else knows.
    config.reads = ObjectReads::Linearizable;
    config.conditions = ObjectConditions::Trusted;
    config
}

/// A bucket of the server that all tests of this process share.
fn bucket() -> S3Bucket {
    S3Server::shared().new_bucket().unwrap()
}

async fn open(bucket: &S3Bucket) -> ObjectBackend {
    config_of(&bucket.url("store")).open().await.unwrap()
}

/// A server of a test's own, to be broken.
async fn server() -> (&'static S3Server, S3Bucket) {
    blocking(|| {
        // It ends with the process: tests run for a short time.
        let server: &S3Server = Box::leak(Box::new(S3Server::launch().unwrap()));
        let bucket = server.new_bucket().unwrap();
        (server, bucket)
    })
    .await
}

fn fault(method: &'static str, status: u16, code: &'static str, when: S3When) -> S3Fault {
    S3Fault {
        method,
        status,
        code,
        when,
        times: 1,
    }
}

#[track_caller]
fn fails<T: std::fmt::Debug>(answer: Result<T>, kind: ErrorKind) -> Error {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(!format!("{error:?}").contains("hidden-key"), "{error:?}");
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
