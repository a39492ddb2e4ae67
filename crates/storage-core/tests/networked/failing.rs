//! Engines that fail: a bad member spoils no other, every error of a write has
//! its outcome, and a panic is an answer.

use std::sync::Arc;

use storage_core::{
    Components, ErrorKind, KeyRange, Operation, Outcome, ReadExt, Result, ScanOptions, Store,
    StoreExt, WriteBatch, blocking::block_on,
};

use crate::{
    as_group, narrow, put, settle,
    staged::{BAD, Failure, Stage, open, open_with},
    start_commit, start_get, value,
};

/// A stage whose head of a group passes, and whose next commit fails.
fn failing_once(failure: Failure) -> Arc<Stage> {
    let stage = Arc::new(narrow());
    let failures = [None, Some(failure)];
    stage.commit_failures.lock().unwrap().extend(failures);
    stage
}

#[tokio::test]
async fn a_bad_get_spoils_no_other() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    store.commit(put("good")).await.unwrap();
    stage.read_gate.shut();
    let head = start_get(&store, "good").await;
    let mut gets = Vec::new();
    for key in ["good", "good", BAD, "good", "good"] {
        gets.push((key, start_get(&store, key).await));
    }
    stage.read_gate.open();
    head.await.unwrap().unwrap();
    for (key, get) in gets {
        let answer = get.await.unwrap();
        if key == BAD {
            assert_eq!(answer.unwrap_err().kind(), ErrorKind::Corrupt);
        } else {
            assert_eq!(value(answer).as_deref(), Some("good"));
        }
    }
    // Halved until it was alone.
    assert_eq!(stage.keys_read(), [1, 5, 2, 3, 1, 2]);
}

#[tokio::test]
async fn a_bad_commit_spoils_no_other_and_the_order_stays() {
    let stage = Arc::new(narrow());
    let keys = ["a", "b", "c", BAD, "d", "e", "f", "g"];
    let answers = as_group(&stage, keys.map(put).into()).await;
    let mut sequences = Vec::new();
    for (key, answer) in keys.into_iter().zip(answers) {
        match answer {
            Ok(committed) => sequences.push(committed.sequence.unwrap()),
            Err(error) => {
                assert_eq!(key, BAD);
                assert_eq!(error.kind(), ErrorKind::Invalid);
                assert_eq!(error.outcome(), Some(Outcome::NotApplied));
            }
        }
    }
    assert_eq!(sequences.len(), 7);
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
    assert_eq!(stage.groups(), [1, 8, 4, 2, 2, 1, 1, 4]);
}

#[tokio::test]
async fn what_concerns_the_server_refuses_a_group_once() {
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::Throttled,
        ErrorKind::TimedOut,
    ] {
        let stage = failing_once(Failure::Refuse(kind));
        for answer in as_group(&stage, ["a", "b", "c"].map(put).into()).await {
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), kind);
            assert_eq!(error.outcome(), Some(Outcome::NotApplied));
        }
        assert_eq!(stage.groups(), [1, 3]);
        assert!(!stage.holds("a") && !stage.holds("c"));
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_under_way_leaves_the_outcome_unknown_to_all() {
    let stage = failing_once(Failure::BreakOff(ErrorKind::Unavailable));
    for answer in as_group(&stage, ["a", "b", "c"].map(put).into()).await {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.outcome(), Some(Outcome::Unknown));
    }
    assert!(stage.holds("a") && stage.holds("c"));
    assert_eq!(stage.groups(), [1, 3], "nothing is sent twice");
}

#[tokio::test]
async fn a_panic_under_way_is_answered_and_the_lane_goes_on() {
    let stage = failing_once(Failure::Panic);
    for answer in as_group(&stage, ["a", "b"].map(put).into()).await {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_eq!(error.outcome(), Some(Outcome::Unknown));
        assert!(error.message().contains("on purpose"));
    }
    let store = open(&stage).await;
    store.commit(put("c")).await.unwrap();
}

#[tokio::test]
async fn a_panic_of_a_read_is_answered_and_the_lane_goes_on() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    let panics = [Some(Failure::Panic), None, Some(Failure::Panic)];
    stage.read_failures.lock().unwrap().extend(panics);
    let error = store.get("alone").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(error.outcome(), None);

    stage.read_gate.shut();
    let head = start_get(&store, "head").await;
    let one = start_get(&store, "one").await;
    let other = start_get(&store, "other").await;
    stage.read_gate.open();
    head.await.unwrap().unwrap();
    // The second try, one by one, succeeds.
    one.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    assert_eq!(stage.keys_read(), [1, 1, 2, 1, 1]);
}

#[tokio::test]
async fn an_engine_that_answers_too_few_is_not_believed() {
    let stage = failing_once(Failure::Miscount);
    for answer in as_group(&stage, ["a", "b"].map(put).into()).await {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_eq!(error.outcome(), Some(Outcome::Unknown));
    }
    let store = open(&stage).await;
    let failures = [Some(Failure::Miscount)];
    stage.read_failures.lock().unwrap().extend(failures);
    let error = store.get("a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
}

#[tokio::test]
async fn a_failure_of_any_other_call_is_answered_with_what_was_being_done() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage).await;
    let fail = |failure| {
        stage
            .other_failures
            .lock()
            .unwrap()
            .push_back(Some(failure));
    };
    fail(Failure::Panic);
    assert_eq!(kind(store.stats().await), ErrorKind::Internal);
    fail(Failure::Panic);
    assert_eq!(kind(store.health().await), ErrorKind::Internal);
    fail(Failure::Panic);
    assert_eq!(kind(store.snapshot().await), ErrorKind::Internal);
    fail(Failure::Panic);
    assert_eq!(kind(store.check().await), ErrorKind::Internal);
    fail(Failure::Panic);
    let scan = store.scan(KeyRange::all(), ScanOptions::new());
    assert_eq!(kind(scan.collect().await), ErrorKind::Internal);
    let gone = store.with_engine(|_| async {
        panic!("on purpose");
        #[expect(unreachable_code, reason = "the type of the answer has to be named")]
        Ok(())
    });
    assert_eq!(kind(gone.await), ErrorKind::Internal);
    fail(Failure::Refuse(ErrorKind::Denied));
    let error = store.stats().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("staged"), "{error}");
    store.stats().await.unwrap();
}

#[tokio::test]
async fn a_check_reports_damages_that_only_reads_see() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage).await;
    store.commit(put("a").put("b", "value")).await.unwrap();
    assert_eq!(store.check().await.unwrap().entries, 2);
    let failures = [None, Some(Failure::Refuse(ErrorKind::Corrupt))];
    stage.other_failures.lock().unwrap().extend(failures);
    let report = store.check().await.unwrap();
    assert_eq!(report.damages.len(), 1, "{report:?}");
}

#[tokio::test]
async fn a_store_whose_engine_fails_at_once_is_not_opened() {
    let stage = Arc::new(Stage::new());
    let failures = [Some(Failure::Refuse(ErrorKind::Unavailable))];
    stage.other_failures.lock().unwrap().extend(failures);
    let components = Components::default();
    let error = open_with(&stage, &components).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.operation(), Some(Operation::Open));
}

#[test]
fn a_store_is_not_opened_outside_of_a_runtime() {
    let stage = Arc::new(Stage::new());
    let components = Components::default();
    let opening = open_with(&stage, &components);
    let error = block_on(opening).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn refused_requests_never_reach_the_engine() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage).await;
    let key = vec![7; stage.capabilities.key_bytes_max + 1];
    assert_eq!(kind(store.get(&key).await), ErrorKind::Invalid);
    let error = store.put(&key, "value").await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    assert!(stage.reads.lock().unwrap().is_empty());
    assert!(stage.commits.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_lone_commit_that_fails_is_not_tried_again() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    let error = store.commit(put(BAD)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(stage.groups(), [1]);
    let commit = start_commit(&store, WriteBatch::new()).await;
    settle().await;
    commit.await.unwrap().unwrap();
}

fn kind<T: std::fmt::Debug>(answer: Result<T>) -> ErrorKind {
    answer.unwrap_err().kind()
}
