//! What readers see beside writers, and what their requests may be.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use storage_core::{
    Durability, Entry, ErrorKind, KeyRange, Maintenance, OwnedKey, Read, ReadExt, ScanOptions,
    Store, StoreExt, WriteBatch, WriteOptions, blocking::block_on,
};
use storage_fjall::FjallConfig;
use tempfile::tempdir;

const BUFFERED: WriteOptions = WriteOptions::new().durability(Durability::Buffered);

fn number(entry: &Entry) -> u64 {
    u64::from_be_bytes(entry.as_ref().try_into().unwrap())
}

#[test]
fn reads_of_any_kind_never_go_back_in_time() {
    let directory = tempdir().unwrap();
    let store = block_on(FjallConfig::new(directory.path()).open()).unwrap();
    let put = |number: u64| WriteBatch::new().put("key", number.to_be_bytes().to_vec());
    block_on(store.commit_with(put(0), &BUFFERED)).unwrap();
    let is_done = Arc::new(AtomicBool::new(false));
    let writer = thread::spawn({
        let (store, is_done) = (store.clone(), Arc::clone(&is_done));
        move || {
            for next in 1.. {
                block_on(store.commit_with(put(next), &BUFFERED)).unwrap();
                if is_done.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
    });
    let keys = [OwnedKey::from("key")];
    for _ in 0..100_000 {
        let single = block_on(store.get("key")).unwrap().unwrap();
        let several = block_on(store.get_many(&keys)).unwrap();
        assert!(
            several[0]
                .as_ref()
                .is_some_and(|later| number(later) >= number(&single))
        );
    }
    is_done.store(true, Ordering::Relaxed);
    writer.join().unwrap();
}

#[tokio::test]
async fn a_bound_longer_than_any_key_is_invalid_and_harms_nobody() {
    let directory = tempdir().unwrap();
    let store = FjallConfig::new(directory.path()).open().await.unwrap();
    let range = KeyRange::between(vec![b'a'; 70_000]..);
    let scan = store.scan_with(&range, &ScanOptions::new()).await;
    assert_eq!(scan.unwrap_err().kind(), ErrorKind::Invalid);
    let delete = store.delete_range(range).await;
    assert_eq!(delete.unwrap_err().kind(), ErrorKind::Invalid);
    store.put("key", "value").await.unwrap();
    let longest = vec![b'k'; store.capabilities().key_bytes_max];
    store.put(longest.clone(), "value").await.unwrap();
    let behind = KeyRange::between([longest, vec![0]].concat()..);
    assert_eq!(store.count(behind).await.unwrap(), 0);
}

#[tokio::test]
async fn sequences_given_to_flushes_are_not_given_out_again() {
    let directory = tempdir().unwrap();
    let store = FjallConfig::new(directory.path()).open().await.unwrap();
    for _ in 0..10 {
        store.maintain(Maintenance::Flush).await.unwrap();
    }
    let last = store.sequence();
    store.close().await.unwrap();
    let store = FjallConfig::new(directory.path()).open().await.unwrap();
    assert!(store.put("key", "value").await.unwrap().sequence > last);
}

#[tokio::test]
async fn the_keys_of_a_scan_do_not_hold_on_to_the_values_beside_them() {
    let directory = tempdir().unwrap();
    let store = FjallConfig::new(directory.path()).open().await.unwrap();
    store.put("key", vec![7; 100_000]).await.unwrap();
    store.maintain(Maintenance::Compact).await.unwrap();
    let options = ScanOptions::new().keys_only();
    let page = store.scan_with(&KeyRange::all(), &options).await.unwrap();
    // A key that shares no other bytes can be taken over as it is.
    let key = page.items.into_iter().next().unwrap().key;
    assert_eq!(key.try_into_mut().unwrap().len(), 3);
}
