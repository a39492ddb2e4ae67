//! System calls that fail. After a failed sync nothing is promised, and nothing
//! is touched any more.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    env, fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::Command,
};

use nix::libc;
use storage_core::{
    Durability, ErrorKind, KeyRange, Outcome, ReadExt, Retry, Store, StoreExt, WriteBatch,
    WriteOptions,
};
use storage_sqlite::{SqliteBackend, SqliteConfig, SqliteEngine};
use storage_testkit::on_disk::{Call, fail_calls};
use tempfile::tempdir;

const BUFFERED: WriteOptions = WriteOptions::new().durability(Durability::Buffered);

/// The store that the other process is to open, and what fails there.
const STORE: &str = "STORAGE_TEST_SQLITE_FAILED_CALLS";
const FAILING: &str = "STORAGE_TEST_SQLITE_FAILING";

const COMMIT: &str = "the sync of a commit";
const CHECKPOINT: &str = "the sync of a checkpoint";
const QUOTA: &str = "a write, for want of a quota";
const DESCRIPTORS: &str = "an open, for want of descriptors";

fn put(key: &str) -> WriteBatch {
    WriteBatch::new().put(key, "value")
}

/// The log and the database.
fn files(store: &Path) -> [Vec<u8>; 2] {
    ["data/store.sqlite-wal", "data/store.sqlite"].map(|name| fs::read(store.join(name)).unwrap())
}

/// In another process, a store that suffers from `failing`.
async fn suffer(path: PathBuf, failing: &str) {
    let store: SqliteBackend = SqliteConfig::new(&path).open().await.unwrap();
    store.commit(put("synced")).await.unwrap();
    store.commit_with(put("buffered"), &BUFFERED).await.unwrap();
    match failing {
        QUOTA => {
            fail_calls(Call::Write, libc::EDQUOT).unwrap();
            let error = store.commit(put("refused")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Full, "{error}");
        }
        DESCRIPTORS => {
            // It has the only connection that is idle.
            let _first = store.snapshot().await.unwrap();
            fail_calls(Call::Open, libc::EMFILE).unwrap();
            let error = store.snapshot().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            assert!(matches!(error.retry(), Retry::After(_)), "{error}");
        }
        _ => fail_to_sync(store, &path, failing).await,
    }
}

async fn fail_to_sync(store: SqliteBackend, path: &Path, failing: &str) {
    fail_calls(Call::Sync, libc::EIO).unwrap();
    if failing == COMMIT {
        let error = store.commit(put("unknown")).await.unwrap_err();
        assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error}");
    } else {
        let checkpoint = store.with_engine(SqliteEngine::checkpoint).await;
        let error = checkpoint.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    let before = files(path);
    for options in [&BUFFERED, &WriteOptions::new()] {
        let error = store
            .commit_with(put("refused"), options)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Poisoned, "{error}");
        assert_eq!(error.outcome(), Some(Outcome::NotApplied), "{error}");
    }
    let error = store.with_engine(SqliteEngine::checkpoint).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Poisoned);
    assert!(store.exists("synced").await.unwrap());
    let health = store.health().await.unwrap();
    assert!(health.issues.iter().any(|issue| issue.name == "poisoned"));
    let error = store.close().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Poisoned, "{error}");
    assert!(before == files(path), "the close has touched the files");
    assert!(!path.join("SEAL").exists());
}

/// The other process. As a test of its own it does nothing.
#[tokio::test]
async fn serve() {
    if let Some(path) = env::var_os(STORE) {
        suffer(path.into(), &env::var(FAILING).unwrap()).await;
    }
}

/// The entries that are left are as many as `counts` says.
async fn survives(failing: &str, counts: RangeInclusive<u64>) {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store");
    let served = Command::new(env::current_exe().unwrap())
        .args(["--exact", "serve", "--nocapture"])
        .env(STORE, &path)
        .env(FAILING, failing)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&served.stderr);
    assert!(served.status.success(), "{said}");
    let store = SqliteConfig::new(&path).open().await.unwrap();
    assert!(store.exists("synced").await.unwrap());
    assert!(!store.exists("refused").await.unwrap());
    let count = store.count(KeyRange::all()).await.unwrap();
    assert!(counts.contains(&count), "{count}");
}

#[tokio::test]
async fn a_commit_whose_sync_fails_is_the_last_and_the_close_touches_nothing() {
    // Nobody knows whether it was applied.
    survives(COMMIT, 2..=3).await;
}

#[tokio::test]
async fn a_checkpoint_whose_sync_fails_is_the_last_and_the_close_touches_nothing() {
    survives(CHECKPOINT, 2..=2).await;
}

#[tokio::test]
async fn a_used_up_quota_makes_the_store_full() {
    survives(QUOTA, 2..=2).await;
}

#[tokio::test]
async fn where_no_file_can_be_opened_there_may_be_later() {
    survives(DESCRIPTORS, 2..=2).await;
}
