//! Partitions stand and fall by themselves: what waits for one holds up no other.

use std::{num::NonZeroUsize, sync::Arc};

use storage_core::{
    Key, KeyRange, OwnedKey, ReadExt, ScanOptions, Store, StoreExt, WriteBatch,
    networked::Partitions,
};

use crate::{
    narrow, put,
    staged::{Stage, open},
    start, start_commit, start_get, value,
};

/// A stage with one lane of each kind for keys that begin with an even byte, and
/// one for others.
fn halves() -> Stage {
    fn by_first_byte(key: Key<'_>, count: NonZeroUsize) -> usize {
        key.bytes().first().map_or(0, |byte| usize::from(*byte)) % count
    }
    let mut stage = narrow();
    let two = NonZeroUsize::new(2).unwrap();
    stage.partitions = Partitions::new(two, by_first_byte);
    stage
}

#[tokio::test]
async fn commits_to_a_partition_wait_for_it_alone_and_are_grouped_within_it() {
    let stage = Arc::new(halves());
    let store = open(&stage).await;
    stage.commit_gate.shut();
    let mut commits = Vec::new();
    for key in ["a1", "a2", "b1", "a3", "b2", "b3", "b4"] {
        commits.push(start_commit(&store, put(key)).await);
    }
    assert_eq!(stage.commit_gate.waiting(), 2);
    stage.commit_gate.open();
    for commit in commits {
        commit.await.unwrap().unwrap();
    }
    let calls = stage.commits.lock().unwrap().clone();
    let keys: Vec<Vec<OwnedKey>> = calls.into_iter().map(|call| call.keys).collect();
    let expected: [&[&str]; 4] = [&["a1"], &["b1"], &["a2", "a3"], &["b2", "b3", "b4"]];
    assert_eq!(keys.len(), expected.len(), "{keys:?}");
    for group in expected {
        let group: Vec<_> = group.iter().map(|key| OwnedKey::from(*key)).collect();
        assert!(keys.contains(&group), "{group:?} among {keys:?}");
    }
}

#[tokio::test]
async fn a_guard_or_a_delete_leads_a_batch_to_its_partition() {
    let stage = Arc::new(halves());
    let store = open(&stage).await;
    stage.commit_gate.shut();
    let head = start_commit(&store, put("a")).await;
    let mut commits = Vec::new();
    for batch in [
        WriteBatch::new().absent("b"),
        WriteBatch::new().delete("b"),
        WriteBatch::new().put_sequenced("b/", "", "v"),
    ] {
        commits.push(start_commit(&store, batch).await);
    }
    assert_eq!(stage.commit_gate.waiting(), 2);
    stage.commit_gate.open();
    head.await.unwrap().unwrap();
    for commit in commits {
        commit.await.unwrap().unwrap();
    }
    assert_eq!(stage.groups(), [1, 1, 2]);
}

#[tokio::test]
async fn reads_of_several_partitions_are_a_call_of_each_and_one_answer() {
    let stage = Arc::new(halves());
    let store = open(&stage).await;
    for key in ["a", "b", "c"] {
        store.commit(put(key)).await.unwrap();
    }
    stage.read_gate.shut();
    let busy = start_get(&store, "a").await;
    // Another partition is free.
    let free = start_get(&store, "b").await;
    assert_eq!(stage.read_gate.waiting(), 2);
    let keys: [OwnedKey; 5] = ["c", "b", "absent", "a", "b"].map(OwnedKey::from);
    let many = start({
        let store = store.clone();
        async move { store.get_many(&keys).await }
    })
    .await;
    stage.read_gate.open();
    busy.await.unwrap().unwrap();
    free.await.unwrap().unwrap();
    let found: Vec<_> = many.await.unwrap().unwrap();
    let found: Vec<_> = found.into_iter().map(|entry| value(Ok(entry))).collect();
    let expected = [Some("c"), Some("b"), None, Some("a"), Some("b")];
    let expected = expected.map(|value| value.map(str::to_owned));
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    let mut keys_read = stage.keys_read();
    keys_read.sort_unstable();
    assert_eq!(keys_read, [1, 1, 2, 3]);
}

#[tokio::test]
async fn scans_keep_no_get_waiting_where_there_are_partitions() {
    let stage = Arc::new(halves());
    let store = open(&stage).await;
    store.commit(put("a")).await.unwrap();
    stage.other_gate.shut();
    let scan = start({
        let store = store.clone();
        async move {
            let scan = store.scan(KeyRange::all(), ScanOptions::new());
            scan.collect().await.map(|items| items.len())
        }
    })
    .await;
    stage.other_gate.arrival_of(1).await;
    store.get("a").await.unwrap();
    stage.other_gate.open();
    assert_eq!(scan.await.unwrap().unwrap(), 1);
    store.close().await.unwrap();
}
