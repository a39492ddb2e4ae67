//! What the adapter for engines across a network promises, shown on an engine
//! whose every call a test can hold, fail and count.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

#[cfg(feature = "runtime")]
mod blocking;
mod closing;
mod conformance;
mod data;
mod deadlines;
mod dropping;
mod failing;
mod gate;
mod grouping;
mod partitions;
mod snapshots;
mod staged;

use std::{num::NonZeroUsize, sync::Arc};

use storage_core::{
    Committed, Entry, ReadExt, Result, Store, WriteBatch, WriteOptions,
    networked::{Limits, Networked},
};
use tokio::task::{JoinHandle, yield_now};

use crate::staged::{Stage, Staged, open};

/// A stage for stores with one lane for reads and one for commits.
fn narrow() -> Stage {
    let mut stage = Stage::new();
    stage.limits = Limits::new()
        .reads_at_once(NonZeroUsize::MIN)
        .commits_at_once(NonZeroUsize::MIN);
    stage
}

fn put(key: &str) -> WriteBatch {
    WriteBatch::new().put(key, key.to_owned())
}

/// Runs `future` until it has had every chance to make progress.
async fn start<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    let task = tokio::spawn(future);
    settle().await;
    task
}

/// Gives all tasks every chance to make progress.
async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

async fn start_get(
    store: &Networked<Staged>,
    key: &'static str,
) -> JoinHandle<Result<Option<Entry>>> {
    let store = store.clone();
    start(async move { store.get(key).await }).await
}

async fn start_commit(
    store: &Networked<Staged>,
    batch: WriteBatch,
) -> JoinHandle<Result<Committed>> {
    start_commit_with(store, batch, WriteOptions::new()).await
}

async fn start_commit_with(
    store: &Networked<Staged>,
    batch: WriteBatch,
    options: WriteOptions,
) -> JoinHandle<Result<Committed>> {
    let store = store.clone();
    start(async move { store.commit_with(batch, &options).await }).await
}

/// Queues commits behind one that is held, so that they form a group.
async fn as_group(stage: &Arc<Stage>, batches: Vec<WriteBatch>) -> Vec<Result<Committed>> {
    let store = open(stage).await;
    stage.commit_gate.shut();
    let head = start_commit(&store, put("head")).await;
    let mut members = Vec::new();
    for batch in batches {
        members.push(start_commit(&store, batch).await);
    }
    stage.commit_gate.open();
    head.await.unwrap().unwrap();
    let mut answers = Vec::new();
    for member in members {
        answers.push(member.await.unwrap());
    }
    answers
}

/// The value that a get returned.
fn value(answer: Result<Option<Entry>>) -> Option<String> {
    let entry = answer.unwrap()?;
    Some(str::from_utf8(entry.value()).unwrap().to_owned())
}
