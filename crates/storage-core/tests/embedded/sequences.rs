//! Commit sequences grow for as long as the store exists.

use std::sync::{Arc, atomic::Ordering};

use storage_core::{
    Durability, ErrorKind, KeyRange, Outcome, OwnedKey, Put, Read, ReadExt, Space, Store, StoreExt,
    SystemKeys, WriteBatch,
    embedded::{Change, Engine},
};

use crate::{
    BUFFERED, put,
    staged::{self, Failure, Stage, open},
    start,
};

/// How many numbers one reservation covers.
const BLOCK: u64 = 1 << 16;

#[tokio::test]
async fn sequences_go_on_behind_the_reserved_block_after_a_crash() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    let before = store.put("a", "value").await.unwrap().sequence.unwrap();
    // The same data opened anew while the first handle still lives: a crash.
    let reopened = open(&stage);
    let after = reopened.put("b", "value").await.unwrap().sequence.unwrap();
    assert!(after > before);
    assert!(store.put("c", "value").await.unwrap().sequence.unwrap() < after);
}

#[tokio::test]
async fn the_sequences_of_empty_commits_are_not_given_out_again() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    let empty = store.commit(WriteBatch::new()).await.unwrap();
    store.close().await.unwrap();
    assert!(open(&stage).sequence() >= empty.sequence);
}

#[tokio::test]
async fn the_reservation_on_disk_covers_all_that_a_group_gave_out() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    let go = |batch: WriteBatch| {
        let store = store.clone();
        async move { store.commit_with(batch, &BUFFERED).await }
    };
    stage.apply_may_wait.store(true, Ordering::SeqCst);
    stage
        .apply_failures
        .lock()
        .unwrap()
        .push_back(Some(Failure::Refuse(ErrorKind::Full)));
    stage.apply_gate.shut();
    let head = start(go(put("head"))).await;
    stage.apply_gate.wait_for_arrival();
    let first = start(go(put("first"))).await;
    let mut empty = Vec::new();
    for _ in 0..50 {
        empty.push(start(go(WriteBatch::new())).await);
    }
    stage.apply_gate.open();
    head.await.unwrap().unwrap_err();
    let reserved_with = first.await.unwrap().unwrap().sequence.unwrap().get();
    for commit in empty {
        commit.await.unwrap().unwrap();
    }
    stage.apply_may_wait.store(false, Ordering::SeqCst);
    let mut last = None;
    while last.is_none_or(|last: u64| last < reserved_with + BLOCK + 20) {
        let committed = go(put("more")).await.unwrap();
        last = committed.sequence.map(storage_core::Sequence::get);
    }
    store.close().await.unwrap();
    let next = open(&stage).put("next", "value").await.unwrap();
    assert!(next.sequence.map(storage_core::Sequence::get) > last);
}

#[tokio::test]
async fn a_reservation_survives_the_range_delete_it_commits_with() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    let everything = KeyRange::all().in_space(Space::System);
    let last = store.delete_range(everything).await.unwrap();
    store.close().await.unwrap();
    let next = open(&stage).put("key", "value").await.unwrap();
    assert!(next.sequence > last.sequence);
}

#[tokio::test]
async fn a_reservation_survives_whatever_commits_do_to_it() {
    let changes: [fn() -> WriteBatch; 3] = [
        || WriteBatch::new().delete(reservation()),
        || WriteBatch::new().put(reservation(), 1_u64.to_be_bytes().to_vec()),
        || WriteBatch::new().delete_range(KeyRange::all().in_space(Space::System)),
    ];
    for change in changes {
        let stage = Arc::new(Stage::new());
        let store = open(&stage);
        for number in 0..3 {
            store.put(format!("key/{number}"), "value").await.unwrap();
        }
        store.commit(change()).await.unwrap();
        let last = store.put("key", "value").await.unwrap();
        store.close().await.unwrap();
        let next = open(&stage).put("next", "value").await.unwrap();
        assert!(next.sequence > last.sequence, "{:?}", change());
    }
}

/// Reservations with which no store can go on.
const UNUSABLE: [&[u8]; 3] = [&[0xff; 8], &[0x80, 0, 0, 0, 0, 0, 0, 0], b"short"];

fn reservation() -> OwnedKey {
    SystemKeys::of("core").key("sequence")
}

#[tokio::test]
async fn a_reservation_that_no_store_reaches_is_damage() {
    for damaged in UNUSABLE {
        let stage = Arc::new(Stage::new());
        let put = Put::new(reservation(), damaged.to_vec());
        stage
            .memory
            .apply(vec![Change::Put(put)], Durability::Buffered)
            .unwrap();
        let error = staged::try_open(&stage).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damaged:?}");
    }
}

#[tokio::test]
async fn a_reservation_with_which_the_store_could_not_be_opened_is_refused() {
    let largest = (u64::MAX >> 1).to_be_bytes();
    for goes_to_the_writer in [false, true] {
        for unusable in UNUSABLE.into_iter().chain([&largest[..]]) {
            let stage = Arc::new(Stage::new());
            let store = open(&stage);
            stage
                .apply_may_wait
                .store(goes_to_the_writer, Ordering::SeqCst);
            let batch = put("key").put(reservation(), unusable.to_vec());
            let error = store.commit(batch).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{unusable:?}");
            assert_eq!(error.outcome(), Some(Outcome::NotApplied));
            assert!(!store.exists("key").await.unwrap());
            store.put("key", "value").await.unwrap();
            store.close().await.unwrap();
            staged::try_open(&stage).unwrap();
        }
    }
}

#[tokio::test]
async fn numbering_goes_on_behind_the_largest_reservation_a_copy_may_bring() {
    let stage = Arc::new(Stage::new());
    let largest = u64::MAX >> 2;
    let store = open(&stage);
    let batch = WriteBatch::new().put(reservation(), largest.to_be_bytes().to_vec());
    let committed = store.commit(batch).await.unwrap();
    assert!(committed.sequence.unwrap().get() > largest);
    store.close().await.unwrap();
    let next = open(&stage).put("key", "value").await.unwrap();
    assert!(next.sequence > committed.sequence);
}
