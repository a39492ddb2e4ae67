//! Damage to a store with a long log, and what crashes leave of one.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use storage_core::{
    Durability, ErrorKind, KeyRange, ReadExt, ScanOptions, SeededRandom, Store, StoreExt,
    WriteBatch, WriteOptions,
};
use storage_sled::{SledBackend, SledConfig};
use tempfile::{TempDir, tempdir};

const SEGMENT_BYTES: u64 = 4 << 20;
const VOLATILE: WriteOptions = WriteOptions::new().durability(Durability::Volatile);

async fn open(path: &Path) -> storage_core::Result<SledBackend> {
    SledConfig::new(path).open().await
}

fn key(number: u16) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn value(number: u16) -> Vec<u8> {
    let random = SeededRandom::new(number.into());
    (0..1_000)
        .flat_map(|_| random.next_u64().to_le_bytes())
        .collect()
}

/// Puts entries of 8 KB each.
async fn fill(store: &SledBackend, numbers: std::ops::Range<u16>, options: &WriteOptions) {
    for number in numbers {
        let put = WriteBatch::new().put(key(number), value(number));
        store.commit_with(put, options).await.unwrap();
    }
}

/// How many of the entries from the first on there are; any after a missing one
/// is a mistake.
async fn first_entries(store: &SledBackend) -> usize {
    let items = store.scan(KeyRange::all(), ScanOptions::new()).collect();
    let items = items.await.unwrap();
    for (number, item) in (0..).zip(&items) {
        assert_eq!(
            (&*item.key, &**item.entry.value()),
            (&*key(number), &*value(number))
        );
    }
    items.len()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, target) = (
            entry.as_ref().unwrap(),
            to.join(entry.as_ref().unwrap().file_name()),
        );
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn log(store: &Path) -> PathBuf {
    store.join("data/db")
}

fn flip(file: &Path, place: u64) {
    let file = File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, place).unwrap();
    file.write_all_at(&[byte[0] ^ 1], place).unwrap();
}

/// Where in the file the segments of the log are, and where in the log each
/// begins.
fn segments(store: &Path) -> Vec<(u64, u64)> {
    let bytes = fs::read(log(store)).unwrap();
    let starts = bytes.chunks(4 << 20).map(|segment| {
        let start = i64::from_le_bytes(segment[4..12].try_into().unwrap());
        u64::try_from(start ^ i64::MAX).unwrap()
    });
    (0..).step_by(4 << 20).zip(starts).collect()
}

/// Where in the file the log ends that was just synced.
fn end(store: &Path) -> u64 {
    let mark = fs::read(store.join("SYNCED")).unwrap();
    let place = u64::from_be_bytes(mark[8..16].try_into().unwrap());
    let within = place % SEGMENT_BYTES;
    let segments = segments(store);
    let last = segments.iter().find(|(_, start)| *start == place - within);
    last.unwrap().0 + within
}

/// An open store whose log has several segments, and what a crash leaves of it.
async fn crashed() -> (TempDir, SledBackend, PathBuf) {
    let directory = tempdir().unwrap();
    let (live, left) = (directory.path().join("live"), directory.path().join("left"));
    let store = open(&live).await.unwrap();
    fill(&store, 0..1_500, &VOLATILE).await;
    fill(&store, 1_500..1_501, &WriteOptions::new()).await;
    copy(&live, &left);
    assert!(fs::metadata(log(&left)).unwrap().len() > 3 * SEGMENT_BYTES);
    (directory, store, left)
}

#[tokio::test]
async fn a_damaged_page_is_named_by_reads_and_by_a_check_that_ends() {
    let directory = tempdir().unwrap();
    let whole = directory.path().join("whole");
    let store = open(&whole).await.unwrap();
    fill(&store, 0..1_500, &VOLATILE).await;
    store.close().await.unwrap();
    let length = fs::metadata(log(&whole)).unwrap().len();
    let mut met = 0;
    for (segment, _) in segments(&whole) {
        for place in (segment..length).step_by(1_100_000).take(3) {
            // Each open may move what is in the log.
            let damaged = directory.path().join(place.to_string());
            copy(&whole, &damaged);
            flip(&log(&damaged), place);
            met += u32::from(is_met(&damaged).await);
        }
    }
    assert!(met > 0, "no read met a damage");
}

/// Whether a read meets damage to the closed store. The open may already, and
/// nobody where nothing is in use.
async fn is_met(path: &Path) -> bool {
    let store = match open(path).await {
        Ok(store) => store,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            return false;
        }
    };
    let scanned = store.scan(KeyRange::all(), ScanOptions::new()).collect();
    let met = scanned.await.err();
    let mut got = 0;
    for number in 0..1_500 {
        match store.get(&key(number)).await {
            Ok(entry) => assert!(*entry.unwrap().value() == value(number)),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                got += 1;
            }
        }
    }
    let report = store.check().await.unwrap();
    store.close().await.unwrap();
    let Some(error) = met else {
        assert_eq!((got, report.damages), (0, Vec::new()));
        return false;
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("byte "), "{error}");
    assert!(got > 0);
    assert_eq!(report.damages.len(), 1);
    true
}

#[tokio::test]
async fn a_crash_loses_nothing_that_was_synced() {
    let (_directory, _live, left) = crashed().await;
    let store = open(&left).await.unwrap();
    assert_eq!(first_entries(&store).await, 1_501);
    assert!(store.health().await.unwrap().is_well());
}

#[tokio::test]
async fn a_log_torn_by_a_crash_keeps_every_commit_before_the_tear() {
    let directory = tempdir().unwrap();
    let (live, left) = (directory.path().join("live"), directory.path().join("left"));
    let store = open(&live).await.unwrap();
    fill(&store, 0..100, &WriteOptions::new()).await;
    copy(&live, &left);
    let end = end(&left);
    let random = SeededRandom::new(5);
    for _ in 0..10 {
        fs::remove_dir_all(&left).unwrap();
        copy(&live, &left);
        // What was synced is not torn by a crash; the mark would tell.
        fs::remove_file(left.join("SYNCED")).unwrap();
        let tear = end / 8 + random.next_u64() % (end / 8 * 7);
        File::options()
            .write(true)
            .open(log(&left))
            .unwrap()
            .set_len(tear)
            .unwrap();
        let torn = open(&left).await.unwrap();
        assert!(first_entries(&torn).await < 100);
        torn.put("more", "value").await.unwrap();
    }
}

#[tokio::test]
async fn a_log_that_ends_before_what_was_synced_is_damaged_and_left_as_it_is() {
    let (_directory, _live, left) = crashed().await;
    flip(&log(&left), end(&left) - 5_000);
    let before = fs::read(log(&left)).unwrap();
    for _ in 0..2 {
        let error = open(&left).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains("synced"), "{error}");
    }
    assert!(fs::read(log(&left)).unwrap() == before);
}

#[tokio::test]
async fn what_cannot_be_read_in_the_middle_of_a_crashed_log_is_told_of() {
    let directory = tempdir().unwrap();
    let [live, left, trial] = ["live", "left", "trial"].map(|name| directory.path().join(name));
    let store = open(&live).await.unwrap();
    for number in 0..2_500 {
        let put = WriteBatch::new().put(key(number), "to be replaced");
        store.commit_with(put, &VOLATILE).await.unwrap();
    }
    store.count(KeyRange::all()).await.unwrap();
    store.close().await.unwrap();
    // No page is made any more, so that sled does not miss any.
    let store = open(&live).await.unwrap();
    fill(&store, 0..2_500, &VOLATILE).await;
    fill(&store, 0..1, &WriteOptions::new()).await;
    copy(&live, &left);
    let last = segments(&left)
        .into_iter()
        .map(|(_, start)| start)
        .max()
        .unwrap();
    let mut set_aside = 0;
    for (offset, start) in segments(&left) {
        if start + 2 * SEGMENT_BYTES > last {
            continue;
        }
        let _ = fs::remove_dir_all(&trial);
        copy(&left, &trial);
        flip(&log(&trial), offset + 1_000_000);
        match open(&trial).await {
            // Mostly sled misses what was there.
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
            // Nothing is written behind the last message of a segment.
            Ok(store) if store.health().await.unwrap().is_well() => {
                assert_eq!(first_entries(&store).await, 2_500);
            }
            Ok(store) => {
                is_told_of_until_removed(&trial, store, start).await;
                set_aside += 1;
            }
        }
    }
    assert!(set_aside > 0);
}

async fn is_told_of_until_removed(path: &Path, store: SledBackend, segment: u64) {
    let health = store.health().await.unwrap();
    assert_eq!(health.issues.len(), 1);
    assert_eq!(health.issues[0].name, "log_gap");
    let names = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut gaps = names.filter_map(|name| name.into_string().ok());
    let gap = gaps.find(|name| name.starts_with("GAP-")).unwrap();
    assert!(health.issues[0].detail.contains(&gap));
    let place: u64 = gap.strip_prefix("GAP-").unwrap().parse().unwrap();
    let length = fs::metadata(path.join(&gap)).unwrap().len();
    assert_eq!(place + length, segment + SEGMENT_BYTES);
    store.close().await.unwrap();

    let store = open(path).await.unwrap();
    assert!(!store.health().await.unwrap().is_well());
    fs::remove_file(path.join(gap)).unwrap();
    assert!(store.health().await.unwrap().is_well());
}

#[tokio::test]
async fn what_a_crash_left_of_a_snapshot_or_of_a_stop_harms_nothing() {
    let (_directory, _live, left) = crashed().await;
    fs::write(left.join("data/snap.7FFFFFFFFFFFFFFF.generating"), "half").unwrap();
    fs::create_dir(left.join("data/blobs/9223372036854775807")).unwrap();
    let store = open(&left).await.unwrap();
    assert_eq!(first_entries(&store).await, 1_501);
    store.close().await.unwrap();
    fs::create_dir(left.join("data/blobs/9223372036854775807")).unwrap();
    open(&left).await.unwrap();
}

#[tokio::test]
async fn a_missing_snapshot_is_made_anew_from_the_log() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await.unwrap();
    fill(&store, 0..1_000, &VOLATILE).await;
    fill(&store, 0..1_000, &VOLATILE).await;
    store.close().await.unwrap();
    for entry in fs::read_dir(directory.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("snap.")
        {
            fs::remove_file(path).unwrap();
        }
    }
    let store = open(directory.path()).await.unwrap();
    assert_eq!(first_entries(&store).await, 1_000);
}
