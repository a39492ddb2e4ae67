//! Snapshots that find a commit at the order point.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use storage_core::{Components, ErrorKind, Read, ReadExt, Store, StoreExt, ThreadPool};
use tokio::time::timeout;

use super::{
    SharedPool, hold, put,
    staged::{Stage, open, open_with},
    start,
};

#[tokio::test]
async fn snapshots_that_wait_for_a_commit_take_no_thread_of_the_pool() {
    let stage = Arc::new(Stage::new());
    let pool = Arc::new(ThreadPool::new(NonZeroUsize::MIN));
    let components = Components::default().with_executor(SharedPool(pool));
    let store = open_with(&stage, &components);
    let held = hold(&stage, &store, put("held")).await;
    let mut snapshots = Vec::new();
    for _ in 0..10 {
        let store = store.clone();
        snapshots.push(start(async move { store.snapshot().await }).await);
    }
    let figures = timeout(Duration::from_secs(10), store.stats()).await;
    let is_any_taken = snapshots.iter().any(tokio::task::JoinHandle::is_finished);
    stage.apply_gate.open();
    figures
        .expect("the only thread of the pool waits for the order point")
        .unwrap();
    assert!(!is_any_taken);
    let committed = held.await.unwrap().unwrap();
    for snapshot in snapshots {
        let snapshot = snapshot.await.unwrap().unwrap();
        assert!(snapshot.exists("held").await.unwrap());
        assert_eq!(snapshot.sequence(), committed.sequence);
    }
}

#[tokio::test]
async fn a_snapshot_that_waited_sees_what_was_answered_before_it_was_asked_for() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    let answered = store.put("answered", "value").await.unwrap();
    let held = hold(&stage, &store, put("held")).await;
    let waiting = start({
        let store = store.clone();
        async move { store.snapshot().await }
    })
    .await;
    // Nobody waits for this one, and it is in nobody's way.
    let abandoned = start({
        let store = store.clone();
        async move { store.snapshot().await }
    })
    .await;
    abandoned.abort();
    let behind = start({
        let store = store.clone();
        async move { store.commit(put("behind")).await }
    })
    .await;
    stage.apply_gate.open();
    held.await.unwrap().unwrap();
    let behind = behind.await.unwrap().unwrap();
    let waited = waiting.await.unwrap().unwrap();
    assert!(waited.exists("answered").await.unwrap());
    assert!(waited.sequence() >= answered.sequence);
    // What it counts is what it holds.
    let holds_behind = waited.exists("behind").await.unwrap();
    assert_eq!(holds_behind, waited.sequence() >= behind.sequence);
    let after = store.snapshot().await.unwrap();
    assert!(after.exists("behind").await.unwrap());
}

#[tokio::test]
async fn a_snapshot_that_waits_while_the_store_closes_is_refused() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    let held = hold(&stage, &store, put("held")).await;
    let waiting = start({
        let store = store.clone();
        async move { store.snapshot().await }
    })
    .await;
    let closing = start({
        let store = store.clone();
        async move { store.close().await }
    })
    .await;
    // Once closing has begun, reads are refused.
    while store.get("held").await.is_ok() {
        tokio::task::yield_now().await;
    }
    stage.apply_gate.open();
    held.await.unwrap().unwrap();
    closing.await.unwrap().unwrap();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}
