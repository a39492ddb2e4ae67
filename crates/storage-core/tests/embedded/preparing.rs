//! What an engine prepares of commits ahead of the order point, and what becomes
//! of it.

use std::sync::{Arc, atomic::Ordering};

use storage_core::{
    ErrorKind, Outcome, ReadExt, Result, Store, StoreExt, WriteBatch,
    embedded::{Embedded, PreparePolicy},
};
use tokio::task::JoinHandle;

use crate::{
    BUFFERED, hold, put,
    staged::{Failure, Stage, Staged, open},
    start,
};

fn preparing() -> Arc<Stage> {
    let mut stage = Stage::new();
    stage.prepare_policy = PreparePolicy::Unguarded;
    Arc::new(stage)
}

fn prepared(stage: &Stage) -> usize {
    stage.prepared.load(Ordering::SeqCst)
}

/// Queues commits behind one that is held at the order point, and was not
/// prepared because it might have had to wait.
async fn queue(
    stage: &Arc<Stage>,
    store: &Embedded<Staged>,
    batches: Vec<WriteBatch>,
) -> Vec<JoinHandle<Result<()>>> {
    let head = hold(stage, store, put("head")).await;
    let mut commits = vec![tokio::spawn(async { head.await.unwrap().map(drop) })];
    stage.apply_may_wait.store(false, Ordering::SeqCst);
    for batch in batches {
        let store = store.clone();
        let commit = async move { store.commit_with(batch, &BUFFERED).await.map(drop) };
        commits.push(start(commit).await);
    }
    commits
}

#[tokio::test]
async fn commits_are_prepared_while_others_are_at_the_order_point() {
    let stage = preparing();
    let store = open(&stage);
    let commits = queue(&stage, &store, ["a", "b", "c"].map(put).into()).await;
    assert_eq!(prepared(&stage), 3);
    stage.apply_gate.open();
    for commit in commits {
        commit.await.unwrap().unwrap();
    }
    assert_eq!(*stage.came_prepared.lock().unwrap(), [3]);
    // And where nobody is: on the caller's thread, all the way.
    store.put("alone", "value").await.unwrap();
    assert_eq!(*stage.came_prepared.lock().unwrap(), [3, 1]);
    store.close().await.unwrap();
    assert_eq!(prepared(&stage), 0);
}

#[tokio::test]
async fn a_group_that_is_split_takes_what_was_prepared_of_each_part() {
    let stage = preparing();
    let store = open(&stage);
    let refusals = [None, Some(Failure::Refuse(ErrorKind::Full)), None];
    let refusals = refusals
        .into_iter()
        .chain([Some(Failure::Refuse(ErrorKind::Full))]);
    stage.apply_failures.lock().unwrap().extend(refusals);
    let commits = queue(&stage, &store, ["a", "b", "c"].map(put).into()).await;
    stage.apply_gate.open();
    let mut applied = Vec::new();
    for commit in commits {
        applied.push(commit.await.unwrap().is_ok());
    }
    assert_eq!(applied, [true, true, false, true]);
    assert_eq!(*stage.came_prepared.lock().unwrap(), [3, 1, 1, 1]);
    store.close().await.unwrap();
    assert_eq!(prepared(&stage), 0);
}

#[tokio::test]
async fn what_may_be_refused_is_large_or_would_wait_is_not_prepared() {
    let stage = preparing();
    let store = open(&stage);
    store.commit(put("a").absent("a")).await.unwrap();
    let error = store.commit(put("a").absent("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    store.put("large", vec![0; 100 << 10]).await.unwrap();
    stage.apply_may_wait.store(true, Ordering::SeqCst);
    store.put("later", "value").await.unwrap();
    assert!(stage.came_prepared.lock().unwrap().is_empty());
    stage.apply_may_wait.store(false, Ordering::SeqCst);
    store.put("now", "value").await.unwrap();
    assert_eq!(*stage.came_prepared.lock().unwrap(), [1]);
}

#[tokio::test]
async fn a_commit_that_cannot_be_prepared_is_not_applied_and_spoils_no_other() {
    let stage = preparing();
    let store = open(&stage);
    stage.prepare_fails.store(true, Ordering::SeqCst);
    let error = store.put("a", "value").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    assert!(!store.exists("a").await.unwrap());
    stage.prepare_fails.store(false, Ordering::SeqCst);
    store.put("a", "value").await.unwrap();
}

#[tokio::test]
async fn a_commit_whose_answer_nobody_awaits_is_applied_with_what_was_prepared() {
    let stage = preparing();
    let store = open(&stage);
    let commits = queue(&stage, &store, vec![put("dropped")]).await;
    for commit in commits.into_iter().skip(1) {
        commit.abort();
    }
    assert_eq!(prepared(&stage), 1);
    stage.apply_gate.open();
    store.put("last", "value").await.unwrap();
    assert!(store.exists("dropped").await.unwrap());
    store.close().await.unwrap();
    assert_eq!(prepared(&stage), 0);
}

#[tokio::test]
async fn what_was_prepared_of_a_refused_commit_is_dropped() {
    let stage = preparing();
    let store = open(&stage);
    stage
        .apply_failures
        .lock()
        .unwrap()
        .push_back(Some(Failure::Panic));
    let error = store.put("a", "value").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(prepared(&stage), 0);
    // The store is poisoned, and prepares nothing more.
    let error = store.put("b", "value").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Poisoned);
    store.close().await.unwrap_err();
    let error = store.put("c", "value").await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    assert_eq!(prepared(&stage), 0);
    assert_eq!(stage.came_prepared.lock().unwrap().len(), 1);
}
