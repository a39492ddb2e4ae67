//! Values of any size, in pages of any size.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{num::NonZeroUsize, path::Path};

use rusqlite::Connection;
use storage_core::{
    ErrorKind, KeyRange, ReadExt, ScanOptions, Store, StoreExt, Timestamp, WriteBatch,
};
use storage_sqlite::SqliteConfig;
use tempfile::tempdir;

/// How many values are kept apart from their rows.
fn large_values(store: &Path) -> u32 {
    let connection = Connection::open(store.join("data/store.sqlite")).unwrap();
    connection
        .query_row("SELECT count(*) FROM large_values", [], |row| row.get(0))
        .unwrap()
}

#[tokio::test]
async fn values_of_any_size_come_back_from_pages_of_any_size() {
    for page_bytes in [512, 1_024, 4_096, 65_536] {
        let directory = tempdir().unwrap();
        let mut config = SqliteConfig::new(directory.path());
        config.page_bytes = page_bytes;
        let store = config.open().await.unwrap();
        let length = usize::try_from(page_bytes).unwrap();
        let lengths = [
            0,
            1,
            length / 8 - 3,
            length / 8,
            length,
            3 * length + 7,
            1 << 20,
        ];
        for (number, length) in lengths.into_iter().enumerate() {
            let expires = Timestamp::from_unix_milliseconds(u64::MAX - 7);
            let batch = WriteBatch::new().put_until(format!("{number}"), vec![9; length], expires);
            store.commit(batch).await.unwrap();
        }
        let items = store
            .scan(KeyRange::all(), ScanOptions::new())
            .collect()
            .await
            .unwrap();
        let found: Vec<_> = items.iter().map(|item| item.entry.value().len()).collect();
        assert_eq!(found, lengths);
        let last = &items[6].entry;
        assert_eq!(last.expires().unwrap().as_unix_milliseconds(), u64::MAX - 7);
        let stats = store.stats().await.unwrap();
        assert_eq!(stats.detail("page_size"), Some(page_bytes.into()));
        assert!(store.check().await.unwrap().damages.is_empty());
    }
}

#[tokio::test]
async fn a_large_value_goes_with_its_entry() {
    let directory = tempdir().unwrap();
    let open = || SqliteConfig::new(directory.path()).open();
    let large = |byte: u8| vec![byte; 10_000];
    let store = open().await.unwrap();
    for key in ["a", "b", "c", "d"] {
        store.put(key, large(1)).await.unwrap();
    }
    store.put("a", large(2)).await.unwrap();
    store.put("b", "small").await.unwrap();
    store.delete("c").await.unwrap();
    store.close().await.unwrap();
    assert_eq!(large_values(directory.path()), 2);
    // Opened again, it knows that there are some.
    let store = open().await.unwrap();
    assert_eq!(*store.get("a").await.unwrap().unwrap().value(), large(2));
    store.put("a", "small").await.unwrap();
    store
        .delete_range(KeyRange::between("b".."e"))
        .await
        .unwrap();
    let batch = WriteBatch::new()
        .put("x", large(3))
        .put("x", large(4))
        .put("y", large(5))
        .delete("y");
    store.commit(batch).await.unwrap();
    assert!(store.check().await.unwrap().damages.is_empty());
    store.close().await.unwrap();
    assert_eq!(large_values(directory.path()), 1);
}

#[tokio::test]
async fn the_keys_of_a_scan_hold_on_to_no_value() {
    let directory = tempdir().unwrap();
    let store = SqliteConfig::new(directory.path()).open().await.unwrap();
    store.put("key", vec![7; 100_000]).await.unwrap();
    let scan = store.scan(KeyRange::all(), ScanOptions::new().keys_only());
    let key = scan.collect().await.unwrap().remove(0).key;
    // A key that shares no other bytes can be taken over as it is.
    assert_eq!(key.try_into_mut().unwrap().len(), 3);
}

#[tokio::test]
async fn the_longest_keys_are_taken_and_longer_ones_are_invalid() {
    let directory = tempdir().unwrap();
    let store = SqliteConfig::new(directory.path()).open().await.unwrap();
    let longest = vec![b'k'; store.capabilities().key_bytes_max];
    store.put(longest.clone(), "value").await.unwrap();
    assert!(store.exists(longest.as_slice()).await.unwrap());
    let behind = KeyRange::between([longest.clone(), vec![0]].concat()..);
    assert_eq!(store.count(behind).await.unwrap(), 0);
    let error = store
        .put([longest, vec![0]].concat(), "value")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_readers_than_are_kept_read_a_mapped_store_without_a_cache() {
    let directory = tempdir().unwrap();
    let mut config = SqliteConfig::new(directory.path());
    config.mmap_bytes = 1 << 20;
    config.cache_bytes = 0;
    config.readers_max = NonZeroUsize::MIN;
    let store = config.open().await.unwrap();
    for number in 0..100_u8 {
        store.put(&[number], vec![number; 2_000]).await.unwrap();
    }
    store
        .with_engine(storage_sqlite::SqliteEngine::checkpoint)
        .await
        .unwrap();
    let reading = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..100_u8 {
                let entry = store.get(&[number]).await.unwrap().unwrap();
                assert_eq!(*entry.value(), vec![number; 2_000]);
            }
            assert_eq!(store.count(KeyRange::all()).await.unwrap(), 100);
        })
    });
    for task in reading.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let stats = store.stats().await.unwrap();
    assert_eq!(stats.detail("idle_readers"), Some(1));
}
