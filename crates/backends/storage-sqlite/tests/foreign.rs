//! Databases that somebody else has changed, or made.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{fs, path::Path};

use rusqlite::Connection;
use storage_core::{Error, ErrorKind, KeyRange, ReadExt, Result, Store, StoreExt};
use storage_sqlite::{SqliteBackend, SqliteConfig};
use tempfile::{TempDir, tempdir};

/// Whether a close seals the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sealing {
    Sealed,
    Unsealed,
}

async fn open(path: &Path, sealing: Sealing) -> Result<SqliteBackend> {
    let mut config = SqliteConfig::new(path);
    if sealing == Sealing::Unsealed {
        config.sealed_bytes_max = 0;
    }
    config.open().await
}

/// A closed store with a hundred entries, in which somebody has run statements.
async fn changed_by(statements: &str, sealing: Sealing) -> TempDir {
    let directory = tempdir().unwrap();
    let store = open(directory.path(), sealing).await.unwrap();
    for number in 0..100_u8 {
        store.put(&[number], vec![number; 300]).await.unwrap();
    }
    store.close().await.unwrap();
    let connection = Connection::open(directory.path().join("data/store.sqlite")).unwrap();
    connection.execute_batch(statements).unwrap();
    connection.close().unwrap();
    directory
}

async fn refused(statements: &str) -> Error {
    let directory = changed_by(statements, Sealing::Sealed).await;
    open(directory.path(), Sealing::Sealed).await.unwrap_err();
    // To be refused changes nothing.
    open(directory.path(), Sealing::Sealed).await.unwrap_err()
}

#[tokio::test]
async fn what_does_no_harm_is_let_be() {
    for statements in [
        "VACUUM",
        "ANALYZE",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA page_size = 8192; PRAGMA journal_mode = DELETE; VACUUM",
    ] {
        let directory = changed_by(statements, Sealing::Sealed).await;
        let store = open(directory.path(), Sealing::Sealed).await.unwrap();
        assert_eq!(store.count(KeyRange::all()).await.unwrap(), 100);
        store.put("more", "value").await.unwrap();
        assert!(store.check().await.unwrap().damages.is_empty());
    }
    let delete = "DELETE FROM entries WHERE key < x'0A' AND space = 1";
    let directory = changed_by(delete, Sealing::Sealed).await;
    let store = open(directory.path(), Sealing::Sealed).await.unwrap();
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 90);
}

#[tokio::test]
async fn tables_of_another_application_are_refused_by_name() {
    let error = refused("CREATE TABLE notes (text)").await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.message().contains("notes"), "{error}");
}

#[tokio::test]
async fn a_newer_version_asks_for_an_upgrade() {
    let error = refused("PRAGMA user_version = 2").await;
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.message().contains("upgrade"), "{error}");
}

#[tokio::test]
async fn another_database_in_its_place_is_corrupt() {
    for bytes in [&b""[..], b"dear", &[0; 10_000]] {
        let directory = changed_by("", Sealing::Sealed).await;
        fs::write(directory.path().join("data/store.sqlite"), bytes).unwrap();
        let opened = open(directory.path(), Sealing::Sealed).await;
        let error = opened.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
    let error = refused("DROP VIEW entries_as_text").await;
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

#[tokio::test]
async fn a_changed_row_is_corrupt_wherever_it_is_met() {
    let changes = [
        "UPDATE entries SET value = x'01' WHERE key = x'07'",
        "UPDATE entries SET expires = 77 WHERE key = x'07'",
        "UPDATE entries SET checksum = checksum + 1 WHERE key = x'07'",
        "UPDATE entries SET large = 9, value = NULL WHERE key = x'07'",
    ];
    for change in changes {
        let error = refused(change).await;
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{change}: {error}");

        let directory = changed_by(change, Sealing::Unsealed).await;
        let store = open(directory.path(), Sealing::Unsealed).await.unwrap();
        let error = store.get(&[7]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{change}: {error}");
        assert!(error.key().is_some(), "{change}: {error}");
        assert!(store.get(&[8]).await.unwrap().is_some());
        let report = store.check().await.unwrap();
        assert_eq!(report.damages.len(), 1, "{change}: {report:?}");
    }
    let moved = "UPDATE entries SET key = x'0707' WHERE key = x'07'";
    let directory = changed_by(moved, Sealing::Unsealed).await;
    let store = open(directory.path(), Sealing::Unsealed).await.unwrap();
    let count = store.count(KeyRange::all()).await;
    assert_eq!(count.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn values_that_belong_to_no_entry_are_found() {
    let stray = "INSERT INTO large_values VALUES (77, x'00')";
    let error = refused(stray).await;
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let directory = changed_by(stray, Sealing::Unsealed).await;
    let store = open(directory.path(), Sealing::Unsealed).await.unwrap();
    let report = store.check().await.unwrap();
    assert!(report.damages[0].detail.contains("77"), "{report:?}");
}

#[tokio::test]
async fn a_path_that_is_too_long_for_sqlite_is_refused_before_anything_is_made() {
    let place = tempdir().unwrap();
    let place = place.path().canonicalize().unwrap();
    let filler = |bytes: usize| {
        let mut path = place.clone();
        while path.as_os_str().len() + 102 < bytes {
            path.push("x".repeat(100));
        }
        let rest = bytes - path.as_os_str().len() - 1;
        path.join("y".repeat(rest))
    };
    let longest = filler(480);
    let store = SqliteConfig::new(&longest).open().await.unwrap();
    store.put("key", "value").await.unwrap();
    store.close().await.unwrap();
    std::os::unix::fs::symlink(&longest, place.join("link")).unwrap();
    let store = SqliteConfig::new(place.join("link")).open().await.unwrap();
    store.close().await.unwrap();
    for path in [filler(481), place.join("link/z")] {
        let error = SqliteConfig::new(&path).open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.message().contains("480"), "{error}");
        assert!(!path.exists());
    }
}
