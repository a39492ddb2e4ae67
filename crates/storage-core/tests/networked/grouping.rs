//! One call of what waits, and none of what need not.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use storage_core::{
    Consistency, Durability, ErrorKind, KeyRange, Outcome, OwnedKey, Read, ReadExt, ReadOptions,
    Retry, ScanOptions, Store, StoreExt, WriteBatch, WriteOptions, networked::Limits,
};

use crate::{
    as_group, narrow, put, settle,
    staged::{ReadCall, Stage, open},
    start, start_commit, start_commit_with, start_get, value,
};

#[tokio::test]
async fn a_lone_get_is_one_call_of_one_key_on_its_callers_task() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage).await;
    store.put("key", "value").await.unwrap();
    let task = tokio::spawn(async move {
        let entry = store.get("key").await;
        (tokio::task::id(), value(entry))
    });
    let (caller, value) = task.await.unwrap();
    assert_eq!(value.as_deref(), Some("value"));
    let call = ReadCall {
        keys: vec!["key".into()],
        consistency: None,
        task: Some(caller),
    };
    assert_eq!(*stage.reads.lock().unwrap(), [call]);
}

#[tokio::test]
async fn gets_that_wait_become_one_call_and_each_has_its_own_answer() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    for key in ["a", "b", "c"] {
        store.commit(put(key)).await.unwrap();
    }
    stage.read_gate.shut();
    let head = start_get(&store, "a").await;
    let many = start({
        let store = store.clone();
        let keys: [OwnedKey; 3] = ["c".into(), "absent".into(), "a".into()];
        async move { store.get_many(&keys).await }
    })
    .await;
    let mut gets = Vec::new();
    for key in ["b", "absent", "c", "b"] {
        gets.push((key, start_get(&store, key).await));
    }
    stage.read_gate.open();
    assert_eq!(value(head.await.unwrap()).as_deref(), Some("a"));
    for (key, get) in gets {
        let expected = (key != "absent").then_some(key);
        assert_eq!(value(get.await.unwrap()).as_deref(), expected);
    }
    let many = many.await.unwrap().unwrap();
    let found: Vec<_> = many.iter().map(|entry| entry.as_ref()).collect();
    assert!(found[0].is_some_and(|entry| entry.value() == "c"));
    assert!(found[1].is_none());
    assert!(found[2].is_some_and(|entry| entry.value() == "a"));
    assert_eq!(stage.keys_read(), [1, 7]);
}

#[tokio::test]
async fn as_many_calls_are_under_way_as_there_are_lanes() {
    let mut stage = Stage::new();
    let two = NonZeroUsize::new(2).unwrap();
    stage.limits = Limits::new().reads_at_once(two).commits_at_once(two);
    let stage = Arc::new(stage);
    let store = open(&stage).await;
    stage.read_gate.shut();
    stage.commit_gate.shut();
    let mut gets = Vec::new();
    let mut commits = Vec::new();
    for _ in 0..5 {
        gets.push(start_get(&store, "key").await);
        commits.push(start_commit(&store, put("key")).await);
    }
    assert_eq!(stage.read_gate.waiting(), 2);
    assert_eq!(stage.commit_gate.waiting(), 2);
    stage.read_gate.open();
    stage.commit_gate.open();
    for (get, commit) in gets.into_iter().zip(commits) {
        get.await.unwrap().unwrap();
        commit.await.unwrap().unwrap();
    }
    assert_eq!(stage.keys_read(), [1, 1, 3]);
    assert_eq!(stage.groups(), [1, 1, 3]);
}

#[tokio::test]
async fn a_group_keeps_the_order_of_its_commits() {
    let stage = Arc::new(narrow());
    let keys = ["d", "a", "c", "b"];
    let answers = as_group(&stage, keys.map(put).into()).await;
    let sequences: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap().sequence.unwrap())
        .collect();
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
    assert_eq!(stage.groups(), [1, 4]);
    let group = stage.commits.lock().unwrap()[1].keys.clone();
    assert_eq!(group, keys.map(OwnedKey::from));
}

#[tokio::test]
async fn a_commit_that_deletes_a_range_is_in_no_group() {
    let stage = Arc::new(narrow());
    let range = WriteBatch::new().delete_range(KeyRange::prefix("b"));
    let answers = as_group(&stage, vec![put("a"), range, put("b"), put("c")]).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(stage.groups(), [1, 3, 1]);
}

#[tokio::test]
async fn a_guard_sees_what_the_members_before_it_did_and_spoils_no_other() {
    let stage = Arc::new(narrow());
    let batches = vec![
        put("a").absent("a"),
        put("b").absent("a"),
        put("c").present("a"),
    ];
    let answers = as_group(&stage, batches).await;
    let kinds: Vec<_> = answers
        .iter()
        .map(|answer| answer.as_ref().err().map(storage_core::Error::kind))
        .collect();
    assert_eq!(kinds, [None, Some(ErrorKind::Conflict), None]);
    let conflict = answers[1].as_ref().unwrap_err();
    assert_eq!(conflict.outcome(), Some(Outcome::NotApplied));
    assert!(stage.holds("a") && !stage.holds("b") && stage.holds("c"));
    assert_eq!(stage.groups(), [1, 3]);
}

#[tokio::test]
async fn reads_of_different_consistency_are_not_made_one() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.read_gate.shut();
    let head = start_get(&store, "head").await;
    let within = |seconds| Consistency::Stale {
        at_most: Duration::from_secs(seconds),
    };
    let wishes = [
        None,
        Some(within(1)),
        Some(Consistency::Linearizable),
        Some(within(1)),
        Some(within(2)),
        None,
    ];
    let mut gets = Vec::new();
    for consistency in wishes {
        let store = store.clone();
        let options =
            consistency.map_or(ReadOptions::new(), |it| ReadOptions::new().consistency(it));
        let get = async move { store.get_with("key".into(), &options).await };
        gets.push(start(get).await);
    }
    stage.read_gate.open();
    head.await.unwrap().unwrap();
    for get in gets {
        get.await.unwrap().unwrap();
    }
    let reads = stage.reads.lock().unwrap();
    let calls: Vec<_> = reads[1..]
        .iter()
        .map(|call| (call.consistency, call.keys.len()))
        .collect();
    let expected = [
        (None, 2),
        (Some(within(1)), 2),
        (Some(Consistency::Linearizable), 1),
        (Some(within(2)), 1),
    ];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn commits_of_different_durability_are_not_made_one() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.commit_gate.shut();
    let head = start_commit(&store, put("head")).await;
    let mut commits = Vec::new();
    for durability in [
        Durability::Synced,
        Durability::Volatile,
        Durability::Synced,
        Durability::Buffered,
    ] {
        let options = WriteOptions::new().durability(durability);
        let commit = start_commit_with(&store, put("key"), options).await;
        commits.push((durability, commit));
    }
    stage.commit_gate.open();
    head.await.unwrap().unwrap();
    for (durability, commit) in commits {
        assert_eq!(commit.await.unwrap().unwrap().durability, durability);
    }
    let calls: Vec<_> = stage.commits.lock().unwrap()[1..]
        .iter()
        .map(|call| (call.durability, call.members))
        .collect();
    let expected = [
        (Durability::Synced, 2),
        (Durability::Volatile, 1),
        (Durability::Buffered, 1),
    ];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn a_buffered_commit_is_made_as_durable_as_the_engine_makes_them() {
    let mut stage = Stage::new();
    stage.buffered_as = Durability::Synced;
    let stage = Arc::new(stage);
    let store = open(&stage).await;
    let options = WriteOptions::new().durability(Durability::Buffered);
    let committed = store.commit_with(put("key"), &options).await.unwrap();
    assert_eq!(committed.durability, Durability::Synced);
}

#[tokio::test]
async fn a_group_has_no_more_operations_than_its_limit() {
    let mut stage = narrow();
    stage.limits = stage.limits.group_operations_max(4);
    let stage = Arc::new(stage);
    let wide = ["p", "q", "r", "s", "t"]
        .into_iter()
        .fold(WriteBatch::new(), |batch, key| batch.put(key, "value"));
    // A guard counts, and so does a commit of nothing.
    let batches = vec![
        put("a"),
        put("b").absent("b"),
        WriteBatch::new(),
        put("c"),
        wide,
        put("d"),
    ];
    for answer in as_group(&stage, batches).await {
        answer.unwrap();
    }
    assert_eq!(stage.groups(), [1, 3, 1, 1, 1]);
}

#[tokio::test]
async fn a_group_has_no_more_bytes_than_its_limit() {
    let mut stage = narrow();
    stage.limits = stage.limits.group_bytes_max(1_000);
    let stage = Arc::new(stage);
    let of_bytes = |bytes: usize| WriteBatch::new().put("k", vec![7; bytes - 1]);
    let batches = [600, 400, 500, 501, 2_000, 1].map(of_bytes);
    for answer in as_group(&stage, batches.into()).await {
        answer.unwrap();
    }
    assert_eq!(stage.groups(), [1, 2, 1, 1, 1, 1]);
}

#[tokio::test]
async fn a_call_reads_no_more_keys_than_its_limit() {
    let mut stage = narrow();
    stage.limits = stage.limits.keys_at_once_max(NonZeroUsize::new(3).unwrap());
    let stage = Arc::new(stage);
    let store = open(&stage).await;
    store.commit(put("5")).await.unwrap();
    let keys: Vec<OwnedKey> = (0..8_u8).map(|key| key.to_string().into()).collect();
    let entries = store.get_many(&keys).await.unwrap();
    let found: Vec<_> = entries.iter().map(Option::is_some).collect();
    assert_eq!(found.iter().position(|found| *found), Some(5));
    assert_eq!(found.len(), 8);
    assert_eq!(stage.keys_read(), [3, 3, 2]);

    stage.read_gate.shut();
    let mut gets = vec![start_get(&store, "head").await];
    for _ in 0..7 {
        gets.push(start_get(&store, "5").await);
    }
    stage.read_gate.open();
    for get in gets {
        get.await.unwrap().unwrap();
    }
    assert_eq!(stage.keys_read()[3..], [1, 3, 3, 1]);
}

#[tokio::test]
async fn what_is_too_much_to_wait_is_throttled_and_has_no_effect() {
    let mut stage = narrow();
    stage.limits = stage.limits.queue_max(2);
    let stage = Arc::new(stage);
    let store = open(&stage).await;
    stage.read_gate.shut();
    stage.commit_gate.shut();
    let mut gets = Vec::new();
    let mut commits = Vec::new();
    for key in ["head", "a", "b"] {
        gets.push(start_get(&store, key).await);
        commits.push(start_commit(&store, put(key)).await);
    }
    let error = store.get("c").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert!(matches!(error.retry(), Retry::After(_)));
    let error = store.commit(put("c")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    assert!(matches!(error.retry(), Retry::After(_)));

    stage.read_gate.open();
    stage.commit_gate.open();
    for (get, commit) in gets.into_iter().zip(commits) {
        get.await.unwrap().unwrap();
        commit.await.unwrap().unwrap();
    }
    assert!(stage.holds("b") && !stage.holds("c"));
    store.commit(put("c")).await.unwrap();
    store.get("c").await.unwrap();
}

#[tokio::test]
async fn bytes_that_wait_are_bounded_as_well() {
    let mut stage = narrow();
    stage.limits = stage.limits.queue_bytes_max(1_000);
    let stage = Arc::new(stage);
    let store = open(&stage).await;
    let of_bytes = |bytes: usize| WriteBatch::new().put("k", vec![7; bytes - 1]);
    stage.commit_gate.shut();
    let mut accepted = vec![
        start_commit(&store, of_bytes(5_000)).await,
        // Alone, one may be as large as it likes.
        start_commit(&store, of_bytes(5_000)).await,
    ];
    let error = store.commit(of_bytes(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    stage.commit_gate.open();
    for commit in accepted.drain(..) {
        commit.await.unwrap().unwrap();
    }
    store.commit(of_bytes(1)).await.unwrap();
}

#[tokio::test]
async fn a_scan_takes_a_lane_in_its_turn_and_others_go_on_behind_it() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    store.commit(put("a")).await.unwrap();
    stage.read_gate.shut();
    stage.other_gate.shut();
    let head = start_get(&store, "a").await;
    let scan = start({
        let store = store.clone();
        async move {
            store
                .scan(KeyRange::all(), ScanOptions::new())
                .collect()
                .await
        }
    })
    .await;
    let behind = start_get(&store, "a").await;
    assert_eq!(stage.other_gate.waiting(), 0);
    stage.read_gate.open();
    head.await.unwrap().unwrap();
    stage.other_gate.arrival_of(1).await;
    settle().await;
    assert!(!behind.is_finished());
    stage.other_gate.open();
    assert_eq!(scan.await.unwrap().unwrap().len(), 1);
    behind.await.unwrap().unwrap();
    assert_eq!(stage.keys_read(), [1, 1]);
}

#[tokio::test]
async fn a_get_finds_what_a_commit_was_answered_before_it() {
    let stage = Arc::new(narrow());
    let store = open(&stage).await;
    stage.read_gate.shut();
    let early = start_get(&store, "key").await;
    let committed = store.commit(put("key")).await.unwrap();
    assert_eq!(store.sequence(), committed.sequence);
    let late = start_get(&store, "key").await;
    stage.read_gate.open();
    early.await.unwrap().unwrap();
    assert_eq!(value(late.await.unwrap()).as_deref(), Some("key"));
}
