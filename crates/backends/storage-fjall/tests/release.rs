//! What a clean close gives back.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use storage_core::{
    KeyRange, Random, ReadExt, ScanOptions, SeededRandom, Store, StoreExt, WriteBatch,
};
use storage_fjall::{FjallBackend, FjallConfig};
use tempfile::tempdir;

async fn open(path: &Path) -> FjallBackend {
    FjallConfig::new(path).open().await.unwrap()
}

fn value(number: u64) -> Vec<u8> {
    let mut value = vec![0; 16 << 10];
    SeededRandom::new(number).fill(&mut value).unwrap();
    value
}

async fn write(store: &FjallBackend, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let put = WriteBatch::new().put(format!("{number:04}"), value(number));
        store.commit(put).await.unwrap();
    }
}

async fn assert_holds(store: &FjallBackend, numbers: std::ops::Range<u64>) {
    let items = store.scan(KeyRange::all(), ScanOptions::new()).collect();
    let items = items.await.unwrap();
    assert_eq!(u64::try_from(items.len()).unwrap(), numbers.end);
    for (item, number) in items.iter().zip(numbers) {
        assert_eq!(item.entry.value(), &value(number), "{number}");
    }
}

/// What the journals take of the disk.
fn journal_bytes(path: &Path) -> u64 {
    let files = fs::read_dir(path.join("data")).unwrap();
    let journals = files.map(|file| file.unwrap().path());
    let journals = journals.filter(|path| path.extension().is_some_and(|end| end == "jnl"));
    journals
        .map(|path| fs::metadata(path).unwrap().blocks() * 512)
        .sum()
}

#[tokio::test]
async fn a_clean_close_empties_the_journals_and_loses_nothing() {
    let directory = tempdir().unwrap();
    let path = directory.path();
    let mut last = None;
    for round in 0..4 {
        let store = open(path).await;
        assert_holds(&store, 0..round * 100).await;
        write(&store, round * 100..(round + 1) * 100).await;
        let committed = store.commit(WriteBatch::new().put("0000", value(0))).await;
        let sequence = committed.unwrap().sequence;
        assert!(sequence > last, "{sequence:?}");
        last = sequence;
        assert!(journal_bytes(path) > 1 << 20);
        store.close().await.unwrap();
        drop(store);
        assert!(journal_bytes(path) < 64 << 10, "{}", journal_bytes(path));
    }
    // What is closed without a write stays as it is.
    open(path).await.close().await.unwrap();
    assert_holds(&open(path).await, 0..400).await;
}

#[tokio::test]
async fn a_short_journal_is_left_alone() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    write(&store, 0..10).await;
    store.close().await.unwrap();
    drop(store);
    assert!(journal_bytes(directory.path()) > 100 << 10);
    assert_holds(&open(directory.path()).await, 0..10).await;
}
