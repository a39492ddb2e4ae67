//! Vacuums, figures, and the like.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{num::NonZeroU32, path::Path};

use storage_core::{KeyRange, Maintenance, ReadExt, SeededRandom, Store, StoreExt, WriteBatch};
use storage_sqlite::{AutoVacuum, SqliteBackend, SqliteConfig};
use tempfile::tempdir;

const ENTRIES: u32 = 4_000;
const VALUE_BYTES: usize = 400;

/// A store that has just lost nine tenths of what it held.
async fn emptied(path: &Path, auto_vacuum: AutoVacuum) -> SqliteBackend {
    let mut config = SqliteConfig::new(path);
    config.auto_vacuum = auto_vacuum;
    let store = config.open().await.unwrap();
    let random = SeededRandom::new(5);
    let mut batch = WriteBatch::new();
    for _ in 0..ENTRIES {
        let key = random.next_u64().to_be_bytes();
        batch = batch.put(key.to_vec(), vec![key[0]; VALUE_BYTES]);
    }
    store.commit(batch).await.unwrap();
    let rest = KeyRange::between([0x1a]..);
    store.delete_range(rest).await.unwrap();
    store
}

async fn detail(store: &SqliteBackend, name: &str) -> u64 {
    store.stats().await.unwrap().detail(name).unwrap()
}

#[tokio::test]
async fn compaction_gives_back_what_deletes_have_freed() {
    for auto_vacuum in [AutoVacuum::None, AutoVacuum::Incremental] {
        let directory = tempdir().unwrap();
        let store = emptied(directory.path(), auto_vacuum).await;
        let free = detail(&store, "free_pages").await;
        assert!(free > 300, "{auto_vacuum:?}: {free}");
        assert_eq!(
            detail(&store, "free").await,
            free * detail(&store, "page_size").await
        );
        let permille = detail(&store, "free_permille").await;
        assert!((700..1_000).contains(&permille), "{permille}");

        let report = store.maintain(Maintenance::Compact).await.unwrap();
        assert_eq!(detail(&store, "free_pages").await, 0, "{auto_vacuum:?}");
        let (before, after) = (
            report.disk_bytes_before.unwrap(),
            report.disk_bytes_after.unwrap(),
        );
        assert!(after * 4 < before, "{auto_vacuum:?}: {before} to {after}");
        assert_eq!(store.stats().await.unwrap().disk_bytes, Some(after));
        assert!(store.check().await.unwrap().damages.is_empty());
    }
}

#[tokio::test]
async fn a_full_auto_vacuum_leaves_nothing_free() {
    let directory = tempdir().unwrap();
    let store = emptied(directory.path(), AutoVacuum::Full).await;
    assert_eq!(detail(&store, "free_pages").await, 0);
}

#[tokio::test]
async fn pages_are_given_back_a_few_at_a_time() {
    let directory = tempdir().unwrap();
    let store = emptied(directory.path(), AutoVacuum::Incremental).await;
    let before = detail(&store, "free_pages").await;
    let some = NonZeroU32::new(50);
    let vacuum = |pages| store.with_engine(move |engine| engine.incremental_vacuum(pages));
    vacuum(some).await.unwrap();
    assert_eq!(detail(&store, "free_pages").await, before - 50);
    vacuum(None).await.unwrap();
    assert_eq!(detail(&store, "free_pages").await, 0);
}

#[tokio::test]
async fn a_checkpoint_empties_the_log_unless_a_snapshot_needs_it() {
    let directory = tempdir().unwrap();
    let store = SqliteConfig::new(directory.path()).open().await.unwrap();
    let checkpoint = || store.with_engine(storage_sqlite::SqliteEngine::checkpoint);
    store.put("a", "1").await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    store.put("b", "2").await.unwrap();
    let done = checkpoint().await.unwrap();
    assert!(done.written_frames < done.log_frames, "{done:?}");
    assert!(snapshot.get("b").await.unwrap().is_none());
    drop(snapshot);
    let done = checkpoint().await.unwrap();
    assert_eq!((done.log_frames, done.written_frames), (0, 0));
    assert_eq!(detail(&store, "log").await, 0);
    store.put("c", "3").await.unwrap();
    assert!(detail(&store, "log").await > 0);
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 3);
}

#[tokio::test]
async fn after_analyze_the_entries_are_estimated() {
    let directory = tempdir().unwrap();
    let store = SqliteConfig::new(directory.path()).open().await.unwrap();
    for number in 0..100_u8 {
        store.put(&[number], "value").await.unwrap();
    }
    assert_eq!(store.stats().await.unwrap().entries_estimate, None);
    store.maintain(Maintenance::Analyze).await.unwrap();
    let estimate = store.stats().await.unwrap().entries_estimate.unwrap();
    assert!((100..=110).contains(&estimate), "{estimate}");
    store.maintain(Maintenance::Reindex).await.unwrap();
    store.close().await.unwrap();
    let store = SqliteConfig::new(directory.path()).open().await.unwrap();
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 100);
}

#[tokio::test]
async fn a_vacuum_mends_fragmentation() {
    let directory = tempdir().unwrap();
    let store = SqliteConfig::new(directory.path()).open().await.unwrap();
    let random = SeededRandom::new(6);
    for _ in 0..2_000 {
        let key = random.next_u64().to_be_bytes().to_vec();
        store.put(key, vec![7; VALUE_BYTES]).await.unwrap();
    }
    let measure = || store.with_engine(storage_sqlite::SqliteEngine::fragmentation);
    let before = measure().await.unwrap();
    store.maintain(Maintenance::Vacuum).await.unwrap();
    let after = measure().await.unwrap();
    assert!(before.scattered_pages > before.used_pages / 4, "{before:?}");
    assert!(
        after.scattered_pages < before.scattered_pages / 2,
        "{after:?}"
    );
    assert!(after.unused_bytes < before.unused_bytes, "{after:?}");
}
