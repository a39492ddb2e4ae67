//! Snapshots and the files they need.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use storage_core::{KeyRange, ReadExt, ScanOptions, Store, StoreExt};

use crate::place::{Place, compact, content, figure, put_buffered, value_files};

#[tokio::test]
async fn a_snapshot_keeps_the_files_it_shows_until_it_is_dropped() {
    let place = Place::new();
    let store = place.open().await;
    for key in ["a", "b", "c"] {
        store.put(key, "before").await.unwrap();
    }
    let snapshot = store.snapshot().await.unwrap();
    store.put("a", "after").await.unwrap();
    store.delete("b").await.unwrap();
    // Younger than the snapshot, so nothing keeps it.
    store.put("d", "short-lived").await.unwrap();
    store.delete("d").await.unwrap();
    compact(&store).await;
    compact(&store).await;
    assert_eq!(figure(&store, "dead_files_held").await, 2);
    let shown = snapshot
        .scan(KeyRange::all(), ScanOptions::new())
        .collect()
        .await
        .unwrap();
    let shown: Vec<_> = shown.iter().map(|item| &**item.entry.value()).collect();
    assert_eq!(shown, [b"before"; 3]);
    assert_eq!(snapshot.get("b").await.unwrap().unwrap().value(), "before");
    drop(snapshot);
    compact(&store).await;
    assert_eq!(figure(&store, "dead_files_held").await, 0);
    assert_eq!(figure(&store, "dead_files").await, 0);
    let files = figure(&store, "files").await;
    let left = value_files(&place.path("store"));
    assert_eq!(files, u64::try_from(left.len()).unwrap(), "{left:?}");
}

#[tokio::test]
async fn files_that_a_snapshot_kept_through_a_compaction_are_removed_after_a_crash() {
    let place = Place::new();
    let store = place.open().await;
    store.put("key", "before").await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    store.put("key", "after").await.unwrap();
    compact(&store).await;
    let left = place.crash("left");
    assert_eq!(
        snapshot.get("key").await.unwrap().unwrap().value(),
        "before"
    );
    let files = value_files(&left).len();
    let reopened = place.open_as("left", |_| ()).await.unwrap();
    assert!(reopened.check().await.unwrap().damages.is_empty());
    reopened.close().await.unwrap();
    assert_eq!(value_files(&left).len(), files - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_check_beside_commits_and_upkeep_takes_nothing_for_damage() {
    let place = Place::new();
    let store = place
        .open_as("store", |config| config.log_bytes_max = 4 << 10)
        .await
        .unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..3 {
        let (store, is_over) = (store.clone(), Arc::clone(&is_over));
        writers.push(tokio::spawn(async move {
            let mut number = 0_u64;
            while !is_over.load(Ordering::Relaxed) {
                let key = format!("{writer}/{}", number % 20);
                put_buffered(&store, &key, vec![7; 200]).await;
                number += 1;
            }
        }));
    }
    let patience = Instant::now() + Duration::from_mins(1);
    let mut checks = 0;
    while checks < 100 || figure(&store, "compactions").await == 0 {
        assert!(Instant::now() < patience, "nothing is compacted");
        let report = store.check().await.unwrap();
        assert!(report.damages.is_empty(), "{report:?}");
        checks += 1;
    }
    is_over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reads_beside_writes_that_replace_and_remove_never_miss_a_file() {
    let place = Place::new();
    let store = place
        .open_as("store", |config| config.log_bytes_max = 4 << 10)
        .await
        .unwrap();
    put_buffered(&store, "key", "0").await;
    put_buffered(&store, "other", "0").await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for reader in 0..4 {
        let (store, is_over) = (store.clone(), Arc::clone(&is_over));
        readers.push(tokio::spawn(async move {
            let (mut reads, mut last) = (0_u64, 0);
            while !is_over.load(Ordering::Relaxed) {
                let value = match reader {
                    0 | 1 => store.get("key").await.unwrap().unwrap().into_value(),
                    2 => content(&store).await.unwrap()[b"key".as_slice()]
                        .clone()
                        .into(),
                    _ => {
                        let snapshot = store.snapshot().await.unwrap();
                        tokio::task::yield_now().await;
                        snapshot.get("key").await.unwrap().unwrap().into_value()
                    }
                };
                let value: u64 = std::str::from_utf8(&value).unwrap().trim().parse().unwrap();
                assert!(value >= last, "{value} after {last}");
                (reads, last) = (reads + 1, value);
            }
            reads
        }));
    }
    for number in 1..3_000 {
        // Some that are read inline, and some that are not.
        let padding = " ".repeat(if number % 7 == 0 { 3_000 } else { 0 });
        put_buffered(&store, "key", format!("{number}{padding}")).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    assert!(figure(&store, "compactions").await > 0);
    assert!(store.check().await.unwrap().damages.is_empty());
}
