//! Merging a range, and checkpoints.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;

use storage_core::{
    ErrorKind, KeyRange, Maintenance, Outcome, ReadExt, Result, ScanOptions, SeededRandom,
    SharedStore, Store, StoreDirectory, StoreExt, WriteBatch,
};
use storage_rocks::{RocksBackend, RocksConfig};
use tempfile::tempdir;

async fn open(path: &Path) -> RocksBackend {
    RocksConfig::new(path).open().await.unwrap()
}

/// Puts noise under `prefix` and 100 numbers.
async fn fill(store: &RocksBackend, prefix: &str) {
    let random = SeededRandom::new(3);
    let mut batch = WriteBatch::new();
    for number in 0..100 {
        let value: Vec<_> = (0..1_000)
            .flat_map(|_| random.next_u64().to_le_bytes())
            .collect();
        batch = batch.put(format!("{prefix}/{number:03}"), value);
    }
    store.commit(batch).await.unwrap();
}

async fn keys(store: &RocksBackend) -> usize {
    let items = store.scan(KeyRange::all(), ScanOptions::new().keys_only());
    items.collect().await.unwrap().len()
}

#[tokio::test]
async fn merging_a_range_frees_what_was_deleted_from_it() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    fill(&store, "a").await;
    fill(&store, "b").await;
    store.maintain(Maintenance::Compact).await.unwrap();
    let range = KeyRange::prefix("a/");
    let batch = WriteBatch::new().delete_range(range.clone());
    store.commit(batch).await.unwrap();
    store.close().await.unwrap();
    let store = open(directory.path()).await;
    let stats = || async {
        let stats = store.stats().await.unwrap();
        (
            stats.detail("table_data").unwrap(),
            stats.detail("deletions_estimate").unwrap(),
        )
    };
    assert_eq!(stats().await.1, 1);

    // An empty range, and one that holds nothing of it.
    for elsewhere in [KeyRange::between("b".."b"), KeyRange::prefix("c")] {
        let merged = store.with_engine(move |engine| engine.compact_range(&elsewhere));
        merged.await.unwrap();
    }
    assert!(stats().await.0 > 1_600_000, "{:?}", stats().await);
    let merged = store.with_engine(move |engine| engine.compact_range(&range));
    let report = merged.await.unwrap();
    let (tables, deletions) = stats().await;
    assert!(tables < 900_000 && deletions == 0, "{tables} {deletions}");
    assert!(report.disk_bytes_after.unwrap() + 700_000 < report.disk_bytes_before.unwrap());
    assert_eq!(keys(&store).await, 100);
}

#[tokio::test]
async fn compacting_gives_back_what_a_snapshot_had_kept() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    fill(&store, "a").await;
    let snapshot = store.snapshot().await.unwrap();
    store
        .commit(WriteBatch::new().delete_range(KeyRange::all()))
        .await
        .unwrap();
    store.maintain(Maintenance::Compact).await.unwrap();
    assert!(store.stats().await.unwrap().detail("table_data").unwrap() > 700_000);
    assert!(snapshot.exists("a/007").await.unwrap());
    drop(snapshot);
    store.maintain(Maintenance::Compact).await.unwrap();
    assert!(store.stats().await.unwrap().detail("table_data").unwrap() < 10_000);
    assert_eq!(keys(&store).await, 0);
}

#[tokio::test]
async fn other_maintenance_is_unsupported() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    for maintenance in [
        Maintenance::Vacuum,
        Maintenance::Analyze,
        Maintenance::Reindex,
    ] {
        let error = store.maintain(maintenance).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

async fn checkpoint(store: &RocksBackend, path: &Path) -> Result<()> {
    let path = path.to_owned();
    store
        .with_engine(move |engine| engine.checkpoint(path))
        .await
}

#[tokio::test]
async fn a_checkpoint_is_a_store_of_its_own() {
    let directory = tempdir().unwrap();
    let (path, copied) = (
        directory.path().join("store"),
        directory.path().join("a/copy"),
    );
    let store = open(&path).await;
    fill(&store, "sorted").await;
    store.maintain(Maintenance::Compact).await.unwrap();
    fill(&store, "buffered").await;
    let large = vec![7; 100_000];
    store.put("large", large.clone()).await.unwrap();
    checkpoint(&store, &copied).await.unwrap();
    assert_eq!(store.check().await.unwrap().damages, []);

    // Each goes its own way, also once the other is gone.
    store
        .commit(WriteBatch::new().delete_range(KeyRange::all()))
        .await
        .unwrap();
    store.maintain(Maintenance::Compact).await.unwrap();
    let copy = open(&copied).await;
    assert_eq!(keys(&copy).await, 201);
    assert_eq!(*copy.get("large").await.unwrap().unwrap().value(), large);
    copy.put("new", "value").await.unwrap();
    assert_eq!(copy.check().await.unwrap().damages, []);
    copy.close().await.unwrap();
    assert_eq!(keys(&store).await, 0);
    store.close().await.unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    let copy = open(&copied).await;
    assert_eq!(keys(&copy).await, 202);
    copy.close().await.unwrap();
    let found = StoreDirectory::inspect(&copied).unwrap().unwrap();
    assert_eq!((&*found.engine, found.version), ("rocks", 1));
}

#[tokio::test]
async fn a_checkpoint_of_a_store_without_a_log_holds_what_is_in_memory_too() {
    let directory = tempdir().unwrap();
    let mut config = RocksConfig::new(directory.path().join("store"));
    config.log = storage_rocks::WriteAheadLog::Off;
    let store = config.open().await.unwrap();
    let batch = WriteBatch::new().put("key", "value");
    let volatile = storage_core::WriteOptions::new().durability(storage_core::Durability::Volatile);
    store.commit_with(batch, &volatile).await.unwrap();
    let copied = directory.path().join("copy");
    checkpoint(&store, &copied).await.unwrap();
    let copy = open(&copied).await;
    assert!(copy.exists("key").await.unwrap());
}

#[tokio::test]
async fn a_checkpoint_harms_nothing_that_is_there_already() {
    let directory = tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    let store = open(&place("store")).await;
    fill(&store, "a").await;
    let other = open(&place("other")).await;
    other.put("other", "value").await.unwrap();
    other.close().await.unwrap();
    std::fs::create_dir(place("letters")).unwrap();
    std::fs::write(place("letters").join("letter"), "dear").unwrap();
    std::fs::write(place("file"), "").unwrap();
    for (taken, kind) in [
        ("other", ErrorKind::Invalid),
        ("letters", ErrorKind::Invalid),
        ("file", ErrorKind::Invalid),
        ("store", ErrorKind::Unavailable),
    ] {
        let error = checkpoint(&store, &place(taken)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{taken}: {error}");
        assert_ne!(error.outcome(), Some(Outcome::Unknown));
    }
    let other = open(&place("other")).await;
    assert_eq!(keys(&other).await, 1);
    assert_eq!(keys(&store).await, 100);
}

#[tokio::test]
async fn the_engine_is_reached_below_a_shared_store() {
    let directory = tempdir().unwrap();
    let store = SharedStore::new(open(directory.path()).await);
    let engine = store.find::<RocksBackend>().unwrap();
    let property = engine.with_engine(|engine| engine.property("rocksdb.num-snapshots"));
    assert_eq!(property.await.unwrap().as_deref(), Some("0"));
}
