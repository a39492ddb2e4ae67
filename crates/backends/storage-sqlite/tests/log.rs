//! The log: what a crash leaves of it, what damage does to it, and how large it
//! becomes.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::Connection;
use storage_core::{
    Components, Durability, Error, ErrorKind, KeyRange, Maintenance, ManualClock, Outcome, Read,
    ReadExt, Store, StoreExt, Timestamp, WriteBatch, WriteOptions,
};
use storage_sqlite::{SqliteBackend, SqliteConfig};
use tempfile::{TempDir, tempdir};

const BUFFERED: WriteOptions = WriteOptions::new().durability(Durability::Buffered);
const SYNCED: WriteOptions = WriteOptions::new().durability(Durability::Synced);

/// The bytes of a frame: its header, and a page.
const FRAME_BYTES: u64 = 24 + 4_096;

async fn open(path: &Path) -> Result<SqliteBackend, Error> {
    SqliteConfig::new(path).open().await
}

async fn put(store: &SqliteBackend, number: u64, options: &WriteOptions) {
    let batch = WriteBatch::new().put(number.to_be_bytes().to_vec(), vec![7; 100]);
    store.commit_with(batch, options).await.unwrap();
}

/// Changes one of fifty entries. To put what is there already changes no page.
async fn change(store: &SqliteBackend, number: u64) {
    let key = (number % 50).to_be_bytes().to_vec();
    let batch = WriteBatch::new().put(key, number.to_be_bytes().repeat(12));
    store.commit_with(batch, &BUFFERED).await.unwrap();
}

/// What a crash leaves of a store that holds `synced` entries for sure, and
/// `buffered` more in its log.
struct Crashed {
    place: TempDir,
    /// Where the log ended when it was synced last.
    synced_bytes: u64,
}

impl Crashed {
    async fn with(synced: u64, buffered: u64) -> Self {
        let place = tempdir().unwrap();
        let live = place.path().join("live");
        let store = open(&live).await.unwrap();
        for number in 0..synced {
            put(&store, number, &SYNCED).await;
        }
        let synced_bytes = fs::metadata(live.join("data/store.sqlite-wal"))
            .unwrap()
            .len();
        for number in 0..buffered {
            put(&store, synced + number, &BUFFERED).await;
        }
        copy(&live, &place.path().join("left"));
        drop(store);
        Self {
            place,
            synced_bytes,
        }
    }

    /// A fresh copy of what was left.
    fn copy(&self) -> PathBuf {
        let path = self.place.path().join("opened");
        let _ = fs::remove_dir_all(&path);
        copy(&self.place.path().join("left"), &path);
        path
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("data")).unwrap();
    for name in [
        "LOCK",
        "STORAGE",
        "SYNCED",
        "data/store.sqlite",
        "data/store.sqlite-wal",
    ] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

fn log(store: &Path) -> PathBuf {
    store.join("data/store.sqlite-wal")
}

fn flip(file: &Path, place: u64) {
    let file = File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, place).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], place).unwrap();
}

async fn count(path: &Path) -> u64 {
    let store = open(path).await.unwrap();
    store.count(KeyRange::all()).await.unwrap()
}

/// A store that is refused as damaged stays so, and its log is left alone.
async fn is_corrupt(path: &Path, what: &str) -> Error {
    let before = fs::read(log(path)).ok();
    open(path).await.expect_err(what);
    let error = open(path).await.expect_err(what);
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
    if before.is_some() {
        assert_eq!(fs::read(log(path)).ok(), before, "{what}");
    }
    error
}

#[tokio::test]
async fn a_log_that_a_crash_left_is_recovered() {
    let crashed = Crashed::with(20, 20).await;
    assert_eq!(count(&crashed.copy()).await, 40);
}

#[tokio::test]
async fn damage_to_what_was_synced_is_reported_with_its_place() {
    let crashed = Crashed::with(20, 10).await;
    let step = usize::try_from(crashed.synced_bytes / 37).unwrap();
    for place in (32..crashed.synced_bytes).step_by(step) {
        let path = crashed.copy();
        flip(&log(&path), place);
        let error = is_corrupt(&path, &format!("byte {place}")).await;
        let frame = (place - 32) / FRAME_BYTES;
        let damaged = error.message();
        // Commits of more than one frame are lost as a whole.
        assert!(
            (0..=frame).any(|frame| {
                damaged.contains(&format!("from byte {} on", 32 + frame * FRAME_BYTES))
            }) || damaged.contains("missing"),
            "byte {place}: {error}"
        );
    }
}

#[tokio::test]
async fn a_log_that_is_gone_cut_off_or_has_no_beginning_is_reported() {
    let crashed = Crashed::with(20, 0).await;
    for place in 0..32 {
        let path = crashed.copy();
        flip(&log(&path), place);
        is_corrupt(&path, &format!("byte {place} of the header")).await;
    }
    for length in [0, 31, 32, 5_000, crashed.synced_bytes - 1] {
        let path = crashed.copy();
        File::options()
            .write(true)
            .open(log(&path))
            .and_then(|log| log.set_len(length))
            .unwrap();
        is_corrupt(&path, &format!("{length} bytes of the log")).await;
    }
    let path = crashed.copy();
    fs::remove_file(log(&path)).unwrap();
    let error = is_corrupt(&path, "no log").await;
    assert!(error.message().contains("store.sqlite-wal"), "{error}");
}

#[tokio::test]
async fn of_what_was_not_synced_whole_commits_are_left_up_to_the_damage() {
    let crashed = Crashed::with(10, 20).await;
    let whole = fs::metadata(log(&crashed.copy())).unwrap().len();
    let step = usize::try_from((whole - crashed.synced_bytes) / 11).unwrap();
    let mut last = 10;
    for place in (crashed.synced_bytes..whole).step_by(step) {
        let path = crashed.copy();
        flip(&log(&path), place);
        let left = count(&path).await;
        assert!((last..30).contains(&left), "byte {place}: {left}");
        last = left;
    }
    assert!(last > 20, "{last}");
}

#[tokio::test]
async fn a_store_that_another_program_has_recovered_is_whole() {
    let crashed = Crashed::with(20, 20).await;
    let path = crashed.copy();
    let connection = Connection::open(path.join("data/store.sqlite")).unwrap();
    let entries: u64 = connection
        .query_row("SELECT count(*) FROM entries WHERE space = 1", [], |row| {
            row.get::<_, u32>(0).map(u64::from)
        })
        .unwrap();
    assert_eq!(entries, 40);
    connection.close().unwrap();
    assert!(!log(&path).exists());
    assert_eq!(count(&path).await, 40);

    let path = crashed.copy();
    let connection = Connection::open(path.join("data/store.sqlite")).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = DELETE")
        .unwrap();
    connection.close().unwrap();
    assert_eq!(count(&path).await, 40);
}

#[tokio::test]
async fn a_log_that_began_anew_behind_anothers_checkpoint_is_missed_too() {
    for checkpoint in ["PASSIVE", "RESTART", "TRUNCATE"] {
        let place = tempdir().unwrap();
        let live = place.path().join("live");
        let store = open(&live).await.unwrap();
        for number in 0..10 {
            put(&store, number, &SYNCED).await;
        }
        let other = Connection::open(live.join("data/store.sqlite")).unwrap();
        let statement = format!("PRAGMA wal_checkpoint({checkpoint})");
        other.query_row(&statement, [], |_| Ok(())).unwrap();
        // As many frames as the log before had, and more.
        let many = (10..500_u64).fold(WriteBatch::new(), |batch, number| {
            batch.put(number.to_be_bytes().to_vec(), vec![7; 100])
        });
        if let Err(error) = store.commit_with(many.clone(), &SYNCED).await {
            // The other process may have written.
            assert_eq!(error.outcome(), Some(Outcome::NotApplied), "{error}");
            store.commit_with(many, &SYNCED).await.unwrap();
        }
        let left = |name| {
            let left = place.path().join(name);
            copy(&live, &left);
            left
        };
        assert_eq!(count(&left("whole")).await, 500, "{checkpoint}");
        let removed = left("removed");
        fs::remove_file(log(&removed)).unwrap();
        let error = is_corrupt(&removed, checkpoint).await;
        assert!(error.message().contains("store.sqlite-wal"), "{error}");
        let flipped = left("flipped");
        flip(&log(&flipped), 32 + FRAME_BYTES - 1);
        is_corrupt(&flipped, checkpoint).await;
    }
}

#[tokio::test]
async fn a_clean_close_leaves_no_log() {
    let place = tempdir().unwrap();
    let store = open(place.path()).await.unwrap();
    put(&store, 1, &BUFFERED).await;
    assert!(log(place.path()).exists());
    store.close().await.unwrap();
    assert!(!log(place.path()).exists());
    assert_eq!(count(place.path()).await, 1);
}

/// A store whose log is written to the database early.
fn checkpointing(path: &Path) -> SqliteConfig {
    let mut config = SqliteConfig::new(path);
    config.checkpoint_bytes = 64 << 10;
    config
}

fn log_bytes(path: &Path) -> u64 {
    fs::metadata(log(path)).unwrap().len()
}

#[tokio::test]
async fn a_log_begins_anew_whatever_is_read_meanwhile() {
    let place = tempdir().unwrap();
    let store = checkpointing(place.path()).open().await.unwrap();
    let mut most = 0;
    for number in 0..2_000 {
        change(&store, number).await;
        store.get(&number.to_be_bytes()).await.unwrap();
        most = most.max(log_bytes(place.path()));
    }
    assert!(most < 4 * (64 << 10), "{most}");
    assert!(store.health().await.unwrap().is_well());
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 50);
}

#[tokio::test]
async fn a_snapshot_lets_the_log_grow_and_health_says_so() {
    let place = tempdir().unwrap();
    let store = checkpointing(place.path()).open().await.unwrap();
    put(&store, 0, &BUFFERED).await;
    let snapshot = store.snapshot().await.unwrap();
    for number in 0..500 {
        change(&store, number).await;
    }
    let grown = log_bytes(place.path());
    assert!(grown > 500 * 4_096, "{grown}");
    assert_eq!(snapshot.count(KeyRange::all()).await.unwrap(), 1);
    let issues = store.health().await.unwrap().issues;
    let issue = issues.iter().find(|issue| issue.name == "large_log");
    assert!(issue.unwrap().detail.contains("1 snapshots"), "{issues:?}");

    drop(snapshot);
    for number in 0..50 {
        change(&store, number).await;
    }
    let shrunk = log_bytes(place.path());
    assert!(shrunk < grown / 4, "{grown}, then {shrunk}");
    assert!(store.health().await.unwrap().is_well());
}

#[tokio::test]
async fn a_snapshot_that_is_too_old_expires_and_frees_the_log() {
    const AGE: Duration = Duration::from_mins(1);
    let place = tempdir().unwrap();
    let clock = ManualClock::at(Timestamp::from_unix_milliseconds(1_000_000));
    let mut config = checkpointing(place.path());
    config.snapshot_age_max = Some(AGE);
    let components = Components::default().with_clock(clock.clone());
    let store = config.open_with(components).await.unwrap();
    put(&store, 0, &BUFFERED).await;
    let (read, unread) = (
        store.snapshot().await.unwrap(),
        store.snapshot().await.unwrap(),
    );
    let moment = Duration::from_millis(1);
    clock.advance(AGE.saturating_sub(moment));
    assert_eq!(read.count(KeyRange::all()).await.unwrap(), 1);
    clock.advance(moment);
    let error = read.get(&0_u64.to_be_bytes()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SnapshotExpired, "{error}");
    // Nobody reads the other, and yet it ends.
    for number in 0..500 {
        change(&store, number).await;
    }
    let bytes = log_bytes(place.path());
    assert!(bytes < 4 * (64 << 10), "{bytes}");
    let options = storage_core::ScanOptions::new();
    let error = unread.scan_with(&KeyRange::all(), &options).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::SnapshotExpired);
    store.maintain(Maintenance::Compact).await.unwrap();
}
