//! Snapshots: one call at a time on each, and an end when they are too old.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use storage_core::{ErrorKind, ReadExt, SnapshotSupport, StoreExt};
use tokio::time::sleep;

use crate::{
    put, settle,
    staged::{Stage, open},
    start, value,
};

#[tokio::test]
async fn gets_of_a_snapshot_wait_for_each_other_and_become_one() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage).await;
    store.commit(put("a")).await.unwrap();
    let snapshot = Arc::new(store.snapshot().await.unwrap());
    store.commit(put("b")).await.unwrap();
    stage.read_gate.shut();
    let mut gets = Vec::new();
    for key in ["a", "a", "b", "a"] {
        let snapshot = Arc::clone(&snapshot);
        gets.push((key, start(async move { snapshot.get(key).await }).await));
    }
    stage.read_gate.open();
    for (key, get) in gets {
        let expected = (key == "a").then_some("a");
        assert_eq!(value(get.await.unwrap()).as_deref(), expected);
    }
    assert_eq!(stage.keys_read(), [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_is_too_old_is_freed_and_says_so() {
    let mut stage = Stage::new();
    stage.capabilities.snapshots = SnapshotSupport::Within(Duration::from_mins(5));
    let stage = Arc::new(stage);
    let store = open(&stage).await;
    let snapshot = store.snapshot().await.unwrap();
    sleep(Duration::from_secs(299)).await;
    snapshot.get("key").await.unwrap();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(stage.snapshots_open.load(Ordering::SeqCst), 0);
    let error = snapshot.get("key").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SnapshotExpired);
    store.get("key").await.unwrap();
}

#[tokio::test]
async fn a_snapshot_that_is_dropped_is_freed_and_its_watch_ends() {
    let mut stage = Stage::new();
    stage.capabilities.snapshots = SnapshotSupport::Within(Duration::from_mins(5));
    let stage = Arc::new(stage);
    let store = open(&stage).await;
    let before = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    drop(store.snapshot().await.unwrap());
    settle().await;
    assert_eq!(stage.snapshots_open.load(Ordering::SeqCst), 0);
    let after = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert_eq!(before, after);
}
