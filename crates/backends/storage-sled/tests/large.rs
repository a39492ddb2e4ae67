//! Values that sled would write to files of their own, which it never syncs.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{fs, path::Path, thread, time::Duration};

use storage_core::{
    Clock, Components, KeyRange, ManualClock, ReadExt, ScanOptions, SeededRandom, Store, StoreExt,
    Timestamp, WriteBatch,
};
use storage_sled::{SledBackend, SledConfig};
use tempfile::tempdir;

/// Around the lengths at which the stored form changes.
const LENGTHS: [usize; 9] = [
    0,
    1,
    16_000,
    (16 << 10) - 1,
    16 << 10,
    (16 << 10) + 1,
    2 * (16 << 10),
    100_000,
    1 << 20,
];

async fn open(path: &Path) -> SledBackend {
    SledConfig::new(path).open().await.unwrap()
}

fn noise(length: usize, seed: u64) -> Vec<u8> {
    let random = SeededRandom::new(seed);
    let bytes = (0..length.div_ceil(8)).flat_map(|_| random.next_u64().to_le_bytes());
    bytes.take(length).collect()
}

fn blobs(store: &Path) -> usize {
    fs::read_dir(store.join("data/blobs")).unwrap().count()
}

async fn content(store: &SledBackend) -> Vec<(Vec<u8>, Vec<u8>)> {
    let items = store.scan(KeyRange::all(), ScanOptions::new()).collect();
    let pair = |item: storage_core::Item| (item.key.to_vec(), item.entry.value().to_vec());
    items.await.unwrap().into_iter().map(pair).collect()
}

#[tokio::test]
async fn values_of_any_length_come_back_whole() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let mut expected = Vec::new();
    for (number, length) in (0..).zip(LENGTHS) {
        let (key, value) = (vec![number], noise(length, number.into()));
        store.put(key.clone(), value.clone()).await.unwrap();
        expected.push((key, value));
    }
    assert_eq!(content(&store).await, expected);
    store.close().await.unwrap();

    let store = open(directory.path()).await;
    assert_eq!(content(&store).await, expected);
    for (key, value) in &expected {
        let entry = store.get(key.as_slice()).await.unwrap().unwrap();
        assert!(entry.value() == value);
    }
    assert_eq!(blobs(directory.path()), 0);
}

#[tokio::test]
async fn what_replaces_a_large_value_takes_its_pieces_away() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let large = |seed| noise(200_000, seed);
    store.put("replaced", large(1)).await.unwrap();
    store.put("deleted", large(2)).await.unwrap();
    store.put("in a range", large(3)).await.unwrap();
    store.put("kept", large(4)).await.unwrap();
    store.close().await.unwrap();
    let pieces = pieces(directory.path());
    assert!(pieces > 4);

    // As well after it was opened again.
    let store = open(directory.path()).await;
    store.put("replaced", large(5)).await.unwrap();
    store.put("replaced", "small").await.unwrap();
    store.delete("deleted").await.unwrap();
    store
        .delete_range(KeyRange::between("i".."j"))
        .await
        .unwrap();
    assert_eq!(
        content(&store).await,
        [
            (b"kept".to_vec(), large(4)),
            (b"replaced".to_vec(), b"small".to_vec())
        ]
    );
    store.close().await.unwrap();
    assert_eq!(self::pieces(directory.path()), pieces / 4);
}

/// How many rows a closed store has that no scan shows.
fn pieces(store: &Path) -> usize {
    let config = sled::Config::new().path(store.join("data"));
    let config = config.segment_size(4 << 20).flush_every_ms(None);
    let mut tries = 0..1_000;
    let open = || {
        // Threads of sled may still hold the lock.
        thread::sleep(Duration::from_millis(10));
        config.open().ok()
    };
    let database = tries.find_map(|_| open()).unwrap();
    database.range([2_u8]..).count()
}

#[tokio::test]
async fn a_large_value_expires_and_is_told_from_others_by_its_stamp() {
    let directory = tempdir().unwrap();
    let clock = ManualClock::at(Timestamp::from_unix_milliseconds(1_000));
    let components = Components::default().with_clock(Clock::new(clock.clone()));
    let store = SledConfig::new(directory.path());
    let store = store.open_with(components).await.unwrap();
    let expires = store.clock().now().after(Duration::from_secs(1));
    let value = noise(100_000, 1);
    let put = WriteBatch::new().put_until("key", value.clone(), expires);
    store.commit(put).await.unwrap();
    let entry = store.get("key").await.unwrap().unwrap();
    assert_eq!(entry.expires(), Some(expires));
    let keys = ScanOptions::new().keys_only();
    let page = store.scan(KeyRange::all(), keys).collect().await.unwrap();
    assert_eq!(page[0].entry.expires(), Some(expires));
    assert!(page[0].entry.value().is_empty());

    let swap = |value| {
        WriteBatch::new()
            .unchanged("key", entry.stamp())
            .put("key", value)
    };
    store.commit(swap(value.clone())).await.unwrap();
    // The same value, which now never expires, has another stamp.
    store.commit(swap(value.clone())).await.unwrap_err();
    store.put("soon", value.clone()).await.unwrap();
    let put = WriteBatch::new().put_until("soon", value, expires);
    store.commit(put).await.unwrap();
    clock.advance(Duration::from_secs(2));
    assert!(store.exists("key").await.unwrap());
    assert!(!store.exists("soon").await.unwrap());
}

/// The largest pages sled makes: full of the longest keys, and of the longest
/// values that are not in pieces, after splits and merges in every order.
#[tokio::test]
async fn no_page_is_so_large_that_sled_writes_it_to_a_file_of_its_own() {
    const KEYS: usize = 700;
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let key_bytes = store.capabilities().key_bytes_max;
    let key = |number: usize| {
        let mut key = noise(key_bytes, 9);
        let end = key_bytes - 4;
        key[end..].copy_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
        key
    };
    let random = SeededRandom::new(11);
    let value = noise((16 << 10) - 9, 10);
    for _ in 0..6 {
        let mut batch = WriteBatch::new();
        for number in 0..KEYS {
            batch = match random.next_u64() % 4 {
                0 => batch.delete(key(number)),
                1 => batch,
                _ => batch.put(key(number), value.clone()),
            };
        }
        store.commit(batch).await.unwrap();
        // Nearly empty pages are merged into the full ones beside them.
        let first = usize::try_from(random.next_u64()).unwrap() % KEYS;
        let range = key(first)..key(first.saturating_add(60));
        store.delete_range(KeyRange::between(range)).await.unwrap();
        content(&store).await;
        assert_eq!(blobs(directory.path()), 0);
    }
}
