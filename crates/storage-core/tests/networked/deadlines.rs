//! Every request ends within its time limit, and its error says whether it may
//! have had an effect. Time is paused: what waits for it waits not at all.

use std::{sync::Arc, time::Duration};

use storage_core::{
    ErrorKind, KeyRange, Outcome, ReadExt, ScanOptions, SnapshotSupport, Store, StoreExt,
};
use tokio::time::{Instant, advance, sleep};

use crate::{
    narrow, put,
    staged::{Failure, Stage, open},
    start_commit, start_get, value,
};

/// The time limit of requests, unless a stage says another.
const LIMIT: Duration = Duration::from_secs(10);

/// By how much a request may overrun that is under way.
const GRACE: Duration = Duration::from_millis(500);

#[tokio::test(start_paused = true)]
async fn a_commit_whose_time_is_over_in_the_queue_is_never_applied() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.commit_gate.shut();
    let head = start_commit(&store, put("head")).await;
    let dropped = start_commit(&store, put("dropped")).await;
    dropped.abort();
    let begin = Instant::now();
    let error = store.commit(put("late")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    assert!(begin.elapsed() < LIMIT + GRACE, "{:?}", begin.elapsed());
    head.await.unwrap().unwrap_err();
    stage.commit_gate.open();
    store.commit(put("after")).await.unwrap();
    assert!(stage.holds("after"));
    assert!(!stage.holds("late") && !stage.holds("dropped"));
}

#[tokio::test(start_paused = true)]
async fn a_get_whose_time_is_over_in_the_queue_is_not_asked_for() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.read_gate.shut();
    let head = start_get(&store, "head").await;
    let begin = Instant::now();
    let scan = store.scan(KeyRange::all(), ScanOptions::new()).collect();
    let (get, scan) = tokio::join!(store.get("late"), scan);
    for error in [get.unwrap_err(), scan.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(error.outcome(), None);
    }
    assert!(begin.elapsed() < LIMIT + GRACE);
    head.await.unwrap().unwrap_err();
    assert_eq!(stage.keys_read(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_overruns_is_cut_off_and_its_lane_is_free() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.read_gate.shut();
    stage.other_gate.shut();
    let begin = Instant::now();
    let scan = store.scan(KeyRange::all(), ScanOptions::new()).collect();
    let answers = tokio::join!(
        async { store.get("key").await.map(drop) },
        async { store.stats().await.map(drop) },
        async { store.health().await.map(drop) },
        async { store.snapshot().await.map(drop) },
    );
    for answer in <[_; 4]>::from(answers) {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
    assert_eq!(scan.await.unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(begin.elapsed() < 2 * LIMIT + GRACE);
    assert_eq!(stage.read_gate.waiting() + stage.other_gate.waiting(), 0);
    stage.read_gate.open();
    stage.other_gate.open();
    store.get("key").await.unwrap();
    store.stats().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_commit_under_way_that_overruns_is_given_up_as_unknown_a_little_later() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.commit_gate.shut();
    let begin = Instant::now();
    let error = store.commit(put("key")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(error.outcome(), Some(Outcome::Unknown));
    let took = begin.elapsed();
    assert!(took > LIMIT && took < LIMIT + GRACE, "{took:?}");
    stage.commit_gate.open();
    store.commit(put("after")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_get_with_time_left_is_asked_again_when_its_group_had_less() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    store.commit(put("fresh")).await.unwrap();
    stage.read_gate.shut();
    let head = start_get(&store, "head").await;
    advance(Duration::from_secs(1)).await;
    let old = start_get(&store, "old").await;
    advance(Duration::from_secs(8)).await;
    let fresh = start_get(&store, "fresh").await;
    // The head is cut off at ten seconds, the old one at eleven.
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!(head.await.unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(old.await.unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(stage.keys_read(), [1, 2, 1]);
    stage.read_gate.open();
    assert_eq!(value(fresh.await.unwrap()).as_deref(), Some("fresh"));
}

#[tokio::test(start_paused = true)]
async fn a_commit_with_time_left_is_tried_again_when_its_group_had_less() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.commit_gate.shut();
    let failures = [None, Some(Failure::Refuse(ErrorKind::TimedOut))];
    stage.commit_failures.lock().unwrap().extend(failures);
    let head = start_commit(&store, put("head")).await;
    let old = start_commit(&store, put("old")).await;
    advance(Duration::from_secs(9)).await;
    let fresh = start_commit(&store, put("fresh")).await;
    // The engine keeps its word: it ends the group in time, without effect.
    stage.commit_gate.let_one_pass();
    head.await.unwrap().unwrap();
    advance(Duration::from_millis(900)).await;
    stage.commit_gate.open();
    let error = old.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    fresh.await.unwrap().unwrap();
    assert!(stage.holds("fresh") && !stage.holds("old"));
}

#[tokio::test(start_paused = true)]
async fn checks_and_maintenance_take_as_long_as_they_take() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage).await;
    stage.other_gate.shut();
    let work = {
        let store = store.clone();
        async move { store.maintain(storage_core::Maintenance::Flush).await }
    };
    let work = crate::start(work).await;
    sleep(10 * LIMIT).await;
    stage.other_gate.open();
    work.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_time_limit_may_be_as_long_as_durations_get() {
    let mut stage = narrow();
    stage.limits = stage.limits.time_limit(Duration::MAX);
    stage.capabilities.snapshots = SnapshotSupport::Within(Duration::MAX);
    let stage = Arc::new(stage);
    let store = open(&stage).await;
    store.commit(put("key")).await.unwrap();
    store.snapshot().await.unwrap().get("key").await.unwrap();
    store.close().await.unwrap();
}
