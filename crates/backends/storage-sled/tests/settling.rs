//! The log beside commits and reads: how far it is durable without anybody
//! asking, what readers see, and that a close lets go of it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use storage_core::{
    Durability, Entry, ErrorKind, KeyRange, Maintenance, OwnedKey, ReadExt, ScanOptions, Store,
    StoreExt, WriteBatch, WriteOptions, blocking::block_on,
};
use storage_sled::{SledBackend, SledConfig};
use tempfile::tempdir;

const SEGMENT_BYTES: u64 = 4 << 20;
const VOLATILE: WriteOptions = WriteOptions::new().durability(Durability::Volatile);

async fn open(path: &Path) -> SledBackend {
    SledConfig::new(path).open().await.unwrap()
}

/// How much of the log was written out, and how much is durable.
async fn log(store: &SledBackend) -> (u64, u64) {
    let stats = store.stats().await.unwrap();
    let detail = |name| stats.detail(name).unwrap();
    (detail("log_written"), detail("log_synced"))
}

#[tokio::test]
async fn unsynced_puts_are_settled_segment_by_segment() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    for number in 0..40_000_u32 {
        let mut value = vec![7; 1_000];
        value.extend(number.to_be_bytes());
        let put = WriteBatch::new().put((number % 5_000).to_be_bytes().to_vec(), value);
        store.commit_with(put, &VOLATILE).await.unwrap();
        if number.is_multiple_of(500) {
            let (written, synced) = log(&store).await;
            assert!(written < synced + 2 * SEGMENT_BYTES, "{written} {synced}");
        }
    }
    assert!(log(&store).await.1 > 5 * SEGMENT_BYTES);
}

#[tokio::test]
async fn a_batch_over_many_segments_is_settled_before_the_next_commit() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    for round in 0..3_u8 {
        let mut batch = WriteBatch::new();
        for number in 0..2_000_u16 {
            batch = batch.put(number.to_be_bytes().to_vec(), vec![round; 12_000]);
        }
        store.commit_with(batch, &VOLATILE).await.unwrap();
        let (written, synced) = log(&store).await;
        assert!(synced > 4 * SEGMENT_BYTES * (1 + u64::from(round)));
        assert!(written < synced + SEGMENT_BYTES, "{written} {synced}");
    }
}

#[tokio::test]
async fn what_reads_make_sled_write_is_settled_too() {
    const KEYS: u32 = 60_000;
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    // Ascending keys leave every other page to be split by whoever reads it.
    for number in 0..KEYS {
        let put = WriteBatch::new().put(number.to_be_bytes().to_vec(), vec![7; 500]);
        store.commit_with(put, &VOLATILE).await.unwrap();
    }
    store.maintain(Maintenance::Flush).await.unwrap();
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), KEYS.into());
    let patience = Instant::now() + Duration::from_mins(1);
    loop {
        let (written, synced) = log(&store).await;
        if written < synced + 2 * SEGMENT_BYTES {
            break;
        }
        assert!(Instant::now() < patience, "{written} {synced}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn number(entry: &Entry) -> u64 {
    u64::from_be_bytes(entry.as_ref().try_into().unwrap())
}

/// A thread that puts `keys`, one after the other, to ever greater numbers.
fn counting(store: &SledBackend, keys: &'static [&'static str]) -> impl FnOnce() {
    let is_done = Arc::new(AtomicBool::new(false));
    for key in keys {
        let put = WriteBatch::new().put(*key, 0_u64.to_be_bytes().to_vec());
        block_on(store.commit_with(put, &VOLATILE)).unwrap();
    }
    let writer = thread::spawn({
        let (store, is_done) = (store.clone(), Arc::clone(&is_done));
        move || {
            for next in 1_u64.. {
                for key in keys {
                    let put = WriteBatch::new().put(*key, next.to_be_bytes().to_vec());
                    block_on(store.commit_with(put, &VOLATILE)).unwrap();
                }
                if is_done.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
    });
    move || {
        is_done.store(true, Ordering::Relaxed);
        writer.join().unwrap();
    }
}

#[test]
fn reads_of_several_keys_show_one_state_beside_single_puts() {
    let directory = tempdir().unwrap();
    let store = block_on(open(directory.path()));
    let stop = counting(&store, &["a", "m", "z"]);
    let keys = ["a", "m", "z"].map(OwnedKey::from);
    for _ in 0..3_000 {
        let scanned = store.scan(KeyRange::all(), ScanOptions::new()).collect();
        let scanned: Vec<_> = block_on(scanned)
            .unwrap()
            .into_iter()
            .map(|item| item.entry)
            .collect();
        let got = block_on(store.get_many(&keys)).unwrap();
        let got: Vec<_> = got.into_iter().flatten().collect();
        for entries in [scanned, got] {
            let [a, m, z] = [0, 1, 2].map(|index| number(&entries[index]));
            assert!(a >= m && m >= z && a <= z + 1, "{a} {m} {z}");
        }
    }
    stop();
}

#[test]
fn reads_of_any_kind_never_go_back_in_time() {
    let directory = tempdir().unwrap();
    let store = block_on(open(directory.path()));
    let stop = counting(&store, &["key"]);
    let keys = [OwnedKey::from("key")];
    for _ in 0..20_000 {
        let single = block_on(store.get("key")).unwrap().unwrap();
        let several = block_on(store.get_many(&keys)).unwrap();
        assert!(number(several[0].as_ref().unwrap()) >= number(&single));
    }
    stop();
}

#[tokio::test]
async fn a_store_opens_again_as_soon_as_it_is_closed() {
    let directory = tempdir().unwrap();
    for round in 0..60_u8 {
        let store = open(directory.path()).await;
        assert_eq!(store.count(KeyRange::all()).await.unwrap(), round.into());
        // Some of sled's threads are still at it when the store is closed.
        for _ in 0..20 {
            let put = WriteBatch::new().put([round].to_vec(), vec![round; 10_000]);
            store
                .commit_with(put.put([round].to_vec(), "value"), &VOLATILE)
                .await
                .unwrap();
        }
        match round % 3 {
            0 => store.close().await.unwrap(),
            // Two that do not wait for the close.
            1 => drop(store),
            _ => thread::spawn(move || drop(store)).join().unwrap(),
        }
    }
}

#[tokio::test]
async fn sled_offers_no_snapshots_and_no_maintenance_but_flush() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    assert_eq!(
        store.snapshot().await.unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    for maintenance in [
        Maintenance::Compact,
        Maintenance::Vacuum,
        Maintenance::Analyze,
    ] {
        let error = store.maintain(maintenance).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
    store.maintain(Maintenance::Flush).await.unwrap();
}

#[tokio::test]
async fn a_buffered_commit_is_synced() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let buffered = WriteOptions::new().durability(Durability::Buffered);
    let committed = store.commit_with(WriteBatch::new().put("key", "value"), &buffered);
    assert_eq!(committed.await.unwrap().durability, Durability::Synced);
}
