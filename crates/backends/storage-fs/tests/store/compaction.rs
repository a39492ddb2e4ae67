//! Compaction, asked for and in the background.

use std::{
    fs,
    time::{Duration, Instant},
};

use storage_core::{Maintenance, ReadExt, Store, StoreExt, WriteBatch};
use storage_fs::Settling;

use crate::place::{Place, compact, content, figure, put_buffered, value_files};

#[tokio::test]
async fn a_compaction_leaves_one_base_and_an_empty_log_and_changes_nothing() {
    let place = Place::new();
    let store = place.open().await;
    for number in 0..5_000 {
        put_buffered(&store, &format!("{:03}", number % 500), format!("{number}")).await;
    }
    store.put("expiring", "later").await.unwrap();
    let before = content(&store).await.unwrap();
    assert!(figure(&store, "log_changes_dead").await >= 4_500);
    let report = store.maintain(Maintenance::Compact).await.unwrap();
    assert!(report.disk_bytes_after.unwrap() < report.disk_bytes_before.unwrap());
    assert_eq!(figure(&store, "log_changes").await, 0);
    assert_eq!(figure(&store, "dead_files").await, 0);
    let mut names: Vec<_> = fs::read_dir(place.path("store/data"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["base-2", "log-2", "values"]);
    assert_eq!(content(&store).await.unwrap(), before);
    // Of six directories those are left that the last 500 values are in, and the
    // first, where a row of core is.
    let shards = fs::read_dir(place.path("store/data/values/0")).unwrap();
    assert!(shards.count() <= 3);
    store.close().await.unwrap();
    assert_eq!(place.content_of("store").await.unwrap(), before);
}

#[tokio::test]
async fn logs_that_grow_are_compacted_and_dead_files_removed_in_the_background() {
    for settling in [Settling::FileSystem, Settling::Files] {
        let place = Place::new();
        let store = place
            .open_as("store", |config| {
                config.log_bytes_max = 16 << 10;
                config.settling = settling;
            })
            .await
            .unwrap();
        let patience = Instant::now() + Duration::from_mins(2);
        let mut number = 0;
        while figure(&store, "compactions").await < 3 {
            assert!(Instant::now() < patience, "nothing is compacted");
            for _ in 0..100 {
                put_buffered(&store, &format!("{}", number % 50), vec![7; 300]).await;
                number += 1;
            }
        }
        while value_files(&place.path("store")).len() > 500 {
            assert!(Instant::now() < patience, "nothing is removed");
            put_buffered(&store, "more", "value").await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let before = content(&store).await.unwrap();
        store.close().await.unwrap();
        assert_eq!(place.content_of("store").await.unwrap(), before);
        let files = value_files(&place.path("store"));
        // Each key, and the row of core that reserves sequences.
        assert!((51..=52).contains(&files.len()), "{}", files.len());
    }
}

#[tokio::test]
async fn a_large_commit_is_applied_whole_and_is_durable() {
    let place = Place::new();
    let store = place.open().await;
    let mut batch = WriteBatch::new();
    for number in 0..3_000 {
        batch = batch.put(&*format!("{number:05}"), vec![1; 1_000]);
    }
    store.commit(batch).await.unwrap();
    // More than the log takes of one commit.
    assert!(figure(&store, "log").await < 2 << 20);
    let left = place.crash("left");
    let before = content(&store).await.unwrap();
    assert_eq!(before.len(), 3_000);
    assert_eq!(place.content_of("left").await.unwrap(), before);
    fs::remove_file(&value_files(&left)[10]).unwrap();
    store.put("more", "value").await.unwrap();
    assert!(store.exists("02999").await.unwrap());
}

#[tokio::test]
async fn maintenance_that_means_nothing_here_is_unsupported() {
    let place = Place::new();
    let store = place.open().await;
    for maintenance in [
        Maintenance::Vacuum,
        Maintenance::Analyze,
        Maintenance::Reindex,
    ] {
        let error = store.maintain(maintenance).await.unwrap_err();
        assert_eq!(error.kind(), storage_core::ErrorKind::Unsupported);
    }
    store.maintain(Maintenance::Flush).await.unwrap();
    compact(&store).await;
}
