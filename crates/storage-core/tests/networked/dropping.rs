//! Futures that are dropped: commits go on, reads make room.

use std::{sync::Arc, time::Duration};

use storage_core::{KeyRange, ReadExt, Store, StoreExt};
use tokio::time::timeout;

use crate::{
    narrow, put, settle,
    staged::{Stage, open},
    start, start_commit, start_get,
};

#[tokio::test]
async fn a_commit_whose_future_is_dropped_is_applied() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.commit_gate.shut();
    let under_way = start_commit(&store, put("under way")).await;
    let waiting = start_commit(&store, put("waiting")).await;
    for dropped in [under_way, waiting] {
        dropped.abort();
        assert!(dropped.await.unwrap_err().is_cancelled());
    }
    stage.commit_gate.open();
    store.close().await.unwrap();
    assert!(stage.holds("under way") && stage.holds("waiting"));
}

#[tokio::test]
async fn a_commit_that_was_never_polled_never_happens() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage).await;
    drop(store.put("key", "value"));
    store.close().await.unwrap();
    assert!(!stage.holds("key"));
}

#[tokio::test]
async fn a_dropped_read_frees_its_lane_and_what_waits_goes_on() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.read_gate.shut();
    let under_way = start_get(&store, "under way").await;
    let waiting = start_get(&store, "waiting").await;
    let behind = start_get(&store, "behind").await;
    assert_eq!(stage.keys_read(), [1]);
    waiting.abort();
    under_way.abort();
    assert!(under_way.await.unwrap_err().is_cancelled());
    settle().await;
    // The one that waits no more is not read.
    assert_eq!(stage.keys_read(), [1, 1]);
    assert_eq!(stage.read_gate.waiting(), 1);
    stage.read_gate.open();
    behind.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_scan_that_is_dropped_while_it_waits_leaves_the_queue() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.read_gate.shut();
    let head = start_get(&store, "head").await;
    let scan = start({
        let store = store.clone();
        async move { store.count(KeyRange::all()).await }
    })
    .await;
    let behind = start_get(&store, "behind").await;
    scan.abort();
    settle().await;
    stage.read_gate.open();
    head.await.unwrap().unwrap();
    behind.await.unwrap().unwrap();
}

#[tokio::test]
async fn members_of_a_group_that_do_not_wait_any_more_disturb_nobody() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.read_gate.shut();
    let head = start_get(&store, "head").await;
    let dropped = start_get(&store, "dropped").await;
    let waiting = start_get(&store, "waiting").await;
    stage.read_gate.let_one_pass();
    head.await.unwrap().unwrap();
    stage.read_gate.arrival_of(1).await;
    dropped.abort();
    settle().await;
    stage.read_gate.open();
    waiting.await.unwrap().unwrap();
    assert_eq!(stage.keys_read(), [1, 2]);
}

#[tokio::test]
async fn a_read_that_is_dropped_elsewhere_frees_its_lane_too() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.read_gate.shut();
    let elsewhere = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let get = elsewhere.spawn({
        let store = store.clone();
        async move {
            timeout(Duration::from_millis(20), store.get("key"))
                .await
                .map(drop)
        }
    });
    assert!(get.await.unwrap().is_err(), "the read has no answer");
    stage.read_gate.arrival_of(0).await;
    stage.read_gate.open();
    store.get("key").await.unwrap();
    elsewhere.shutdown_background();
}
