//! Directories that are not, or not any more, this version's fjall store.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{fs, path::Path, time::Duration};

use storage_core::{ErrorKind, ReadExt, Retry, Store, StoreExt};
use storage_fjall::FjallConfig;
use tempfile::{TempDir, tempdir};

async fn refused(path: &Path) -> storage_core::Error {
    FjallConfig::new(path).open().await.unwrap_err()
}

/// A store with one entry, closed.
async fn closed_store() -> TempDir {
    let directory = tempdir().unwrap();
    let store = FjallConfig::new(directory.path()).open().await.unwrap();
    store.put("key", "value").await.unwrap();
    store.close().await.unwrap();
    directory
}

#[tokio::test]
async fn a_directory_with_other_files_is_refused_and_left_alone() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join("notes.txt"), "mine").unwrap();
    let error = refused(directory.path()).await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("notes.txt"), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_is_no_store() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = refused(&file).await;
    assert!(error.to_string().contains("file"), "{error}");
    assert_eq!(error.retry(), Retry::Never);
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let directory = closed_store().await;
    fs::write(
        directory.path().join("STORAGE"),
        "storage fjall 2 17156be3\n",
    )
    .unwrap();
    let error = refused(directory.path()).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("upgrade"), "{error}");
}

#[tokio::test]
async fn a_store_of_another_engine_is_refused() {
    let directory = closed_store().await;
    fs::write(
        directory.path().join("STORAGE"),
        "storage sqlite 1 043c6243\n",
    )
    .unwrap();
    let error = refused(directory.path()).await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("sqlite"), "{error}");
}

#[tokio::test]
async fn a_damaged_format_file_is_corrupt() {
    let directory = closed_store().await;
    for text in [
        "",
        "storage fjall 1\n",
        "storage fjall 1 00000000\n",
        "\u{fffd}\n",
    ] {
        fs::write(directory.path().join("STORAGE"), text).unwrap();
        let error = refused(directory.path()).await;
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{text:?}");
    }
}

#[tokio::test]
async fn a_store_that_is_open_cannot_be_opened_again() {
    let directory = closed_store().await;
    let store = FjallConfig::new(directory.path()).open().await.unwrap();
    let error = refused(directory.path()).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(1)));
    store.close().await.unwrap();
    let store = FjallConfig::new(directory.path()).open().await.unwrap();
    assert!(store.exists("key").await.unwrap());
}

#[tokio::test]
async fn a_setting_out_of_bounds_is_refused_by_name() {
    let directory = tempdir().unwrap();
    let mut config = FjallConfig::new(directory.path());
    config.journal_bytes_max = 1;
    let error = config.open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("journal_bytes_max"), "{error}");
}

#[tokio::test]
async fn a_creation_that_was_cut_off_is_begun_anew() {
    let directory = tempdir().unwrap();
    let path = directory.path();
    // All that fjall had done was to make its first files.
    fs::write(path.join("LOCK"), "").unwrap();
    fs::create_dir_all(path.join("data.new/keyspaces")).unwrap();
    fs::write(path.join("data.new/0.jnl"), "").unwrap();
    let store = FjallConfig::new(path).open().await.unwrap();
    store.put("key", "value").await.unwrap();
    store.close().await.unwrap();

    // Everything was there but in its place.
    fs::rename(path.join("data"), path.join("data.new")).unwrap();
    let store = FjallConfig::new(path).open().await.unwrap();
    assert!(store.exists("key").await.unwrap());
}

#[tokio::test]
async fn a_store_whose_data_is_gone_is_corrupt() {
    let directory = closed_store().await;
    fs::remove_dir_all(directory.path().join("data")).unwrap();
    let error = refused(directory.path()).await;
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("missing"), "{error}");
}
