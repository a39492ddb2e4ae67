//! Closing, by a call or by dropping the last handle.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use storage_core::{ErrorKind, Maintenance, Outcome, ReadExt, Store, StoreExt};
use tokio::{
    task::yield_now,
    time::{Instant, timeout},
};

use crate::{
    narrow, put, settle,
    staged::{Failure, Stage, open},
    start, start_commit, start_get,
};

#[tokio::test]
async fn closing_finishes_accepted_requests_and_refuses_new_ones() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.read_gate.shut();
    stage.commit_gate.shut();
    let mut gets = Vec::new();
    let mut commits = Vec::new();
    for key in ["head", "a", "b"] {
        gets.push(start_get(&store, key).await);
        commits.push(start_commit(&store, put(key)).await);
    }
    let closing = start({
        let store = store.clone();
        async move { store.close().await }
    })
    .await;
    assert_eq!(
        store.get("key").await.unwrap_err().kind(),
        ErrorKind::Closed
    );
    let error = store.commit(put("new")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    assert!(!closing.is_finished());
    stage.commit_gate.open();
    for commit in commits {
        commit.await.unwrap().unwrap();
    }
    settle().await;
    assert!(!closing.is_finished());
    assert_eq!(stage.closes.load(Ordering::SeqCst), 0);
    stage.read_gate.open();
    for get in gets {
        get.await.unwrap().unwrap();
    }
    closing.await.unwrap().unwrap();
    assert_eq!(stage.closes.load(Ordering::SeqCst), 1);
    assert!(stage.is_freed.load(Ordering::SeqCst));
    assert!(stage.holds("b") && !stage.holds("new"));
}

#[tokio::test]
async fn closing_goes_on_though_its_future_is_dropped_and_others_learn_how_it_ended() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage).await;
    stage.other_gate.shut();
    let failures = [Some(Failure::Refuse(ErrorKind::Unavailable))];
    stage.other_failures.lock().unwrap().extend(failures);
    let close = {
        let store = store.clone();
        async move { store.close().await }
    };
    start(close).await.abort();
    stage.other_gate.open();
    for _ in 0..2 {
        let error = store.close().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    assert_eq!(stage.closes.load(Ordering::SeqCst), 1);
    assert!(stage.is_freed.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn closing_ends_though_the_engine_does_not() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.commit_gate.shut();
    stage.read_gate.shut();
    stage.other_gate.shut();
    let maintenance = start({
        let store = store.clone();
        async move { store.maintain(Maintenance::Flush).await }
    })
    .await;
    let commit = start_commit(&store, put("key")).await;
    let get = start_get(&store, "key").await;
    let begin = Instant::now();
    let error = store.close().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(begin.elapsed() < Duration::from_secs(21));
    get.await.unwrap().unwrap_err();
    commit.await.unwrap().unwrap_err();
    assert!(!maintenance.is_finished());
    stage.other_gate.open();
    maintenance.await.unwrap().unwrap();
    assert!(stage.is_freed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn closing_ends_snapshots_once_their_reads_have_ended() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage).await;
    let snapshot = Arc::new(store.snapshot().await.unwrap());
    stage.read_gate.shut();
    let mut gets = Vec::new();
    for key in ["under way", "waiting"] {
        let snapshot = Arc::clone(&snapshot);
        gets.push(start(async move { snapshot.get(key).await }).await);
    }
    let closing = start({
        let store = store.clone();
        async move { store.close().await }
    })
    .await;
    assert_eq!(stage.closes.load(Ordering::SeqCst), 0);
    assert_eq!(stage.snapshots_open.load(Ordering::SeqCst), 1);
    stage.read_gate.open();
    for get in gets {
        get.await.unwrap().unwrap();
    }
    closing.await.unwrap().unwrap();
    assert_eq!(stage.snapshots_open.load(Ordering::SeqCst), 0);
    let error = snapshot.get("key").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_store() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.commit_gate.shut();
    let commit = start_commit(&store, put("key")).await;
    let waiting = start_commit(&store, put("waiting")).await;
    commit.abort();
    waiting.abort();
    let snapshot = store.snapshot().await.unwrap();
    drop(store);
    settle().await;
    assert_eq!(stage.closes.load(Ordering::SeqCst), 0, "a snapshot is left");
    drop(snapshot);
    stage.commit_gate.open();
    freed(&stage).await;
    assert_eq!(stage.closes.load(Ordering::SeqCst), 1);
    assert!(stage.holds("waiting"));
}

#[tokio::test]
async fn the_last_handle_may_be_dropped_outside_of_any_runtime() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage).await;
    let snapshot = store.snapshot().await.unwrap();
    let dropping = std::thread::spawn(move || {
        drop(snapshot);
        drop(store);
    });
    freed(&stage).await;
    dropping.join().unwrap();
    assert_eq!(stage.snapshots_open.load(Ordering::SeqCst), 0);
}

#[test]
fn a_store_whose_runtime_has_ended_says_so_and_has_no_effect() {
    let stage = Arc::new(narrow());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let store = runtime.block_on(open(&stage));
    drop(runtime);
    storage_core::blocking::block_on(async {
        let error = store.get("key").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        for _ in 0..2 {
            let error = store.commit(put("key")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert_eq!(error.outcome(), Some(Outcome::NotApplied));
        }
        let error = store.close().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    });
    assert!(stage.commits.lock().unwrap().is_empty());
}

#[test]
fn requests_that_wait_when_their_runtime_ends_are_answered() {
    let stage = Arc::new(narrow());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let store = runtime.block_on(open(&stage));
    stage.commit_gate.shut();
    let commits: Vec<_> = ["under way", "waiting", "waiting too"]
        .into_iter()
        .map(|key| {
            let store = store.clone();
            let commit = move || storage_core::blocking::block_on(store.commit(put(key)));
            let commit = std::thread::spawn(commit);
            // Each is accepted before the next begins.
            std::thread::sleep(Duration::from_millis(50));
            commit
        })
        .collect();
    runtime.block_on(stage.commit_gate.arrival_of(1));
    drop(runtime);
    let outcomes: Vec<_> = commits
        .into_iter()
        .map(|commit| commit.join().unwrap().unwrap_err().outcome())
        .collect();
    let not_applied = Some(Outcome::NotApplied);
    assert_eq!(outcomes, [Some(Outcome::Unknown), not_applied, not_applied]);
}

/// Waits until the engine is freed.
async fn freed(stage: &Stage) {
    let freed = async {
        while !stage.is_freed.load(Ordering::SeqCst) {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), freed)
        .await
        .unwrap_or_else(|_| panic!("the store is not closed in the background"));
}
