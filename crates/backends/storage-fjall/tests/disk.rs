//! Disks that are full or cannot be written to.
//!
//! Each test runs itself again in a mount namespace of its own, where it may
//! mount a small file system without touching the machine's.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

use std::{env, path::Path, process::Command};

use storage_core::{
    Durability, ErrorKind, Outcome, ReadExt, SeededRandom, Store, StoreExt, WriteBatch,
    WriteOptions,
};
use storage_fjall::FjallConfig;
use tempfile::tempdir;

const INSIDE: &str = "STORAGE_TEST_IN_NAMESPACE";

/// Whether this is the run inside the namespace; outside, runs the test there.
fn is_inside(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "--"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("util-linux has `unshare`");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

fn mount(arguments: &[&str], path: &Path) {
    let status = Command::new("mount")
        .args(arguments)
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success(), "mount {arguments:?}");
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    if !is_inside("a_full_disk_loses_nothing_that_was_acknowledged") {
        return;
    }
    // Noise fills the journal, so that a commit fails. What compresses well fills
    // a write buffer first, whose flush fails in the background.
    let random = SeededRandom::new(3);
    let noise = (0..12_500).flat_map(|_| random.next_u64().to_le_bytes());
    let error = fill_disk(&noise.collect::<Vec<u8>>()).await;
    assert_eq!(error, (ErrorKind::Full, Some(Outcome::Unknown)));
    let error = fill_disk(&vec![7; 1_000_000]).await;
    assert!(
        error == (ErrorKind::Poisoned, Some(Outcome::NotApplied))
            || error == (ErrorKind::Full, Some(Outcome::Unknown)),
        "{error:?}"
    );
}

/// Writes `value` under new keys until the disk is full, then makes room and
/// checks that nothing is lost. Returns how the first refused commit failed.
async fn fill_disk(value: &[u8]) -> (ErrorKind, Option<Outcome>) {
    let directory = tempdir().unwrap();
    mount(&["-t", "tmpfs", "-o", "size=1m", "none"], directory.path());
    let path = directory.path().join("store");
    let store = FjallConfig::new(&path).open().await.unwrap();
    let buffered = WriteOptions::new().durability(Durability::Buffered);
    let mut acknowledged = 0;
    let refused = loop {
        let batch = WriteBatch::new().put(format!("{acknowledged:04}"), value.to_vec());
        match store.commit_with(batch, &buffered).await {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(acknowledged > 0);

    let error = store.put("after", "value").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Poisoned, "{error}");
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    // Whether closing could still sync does not matter: it frees the directory.
    let _ = store.close().await;

    mount(&["-o", "remount,size=64m"], directory.path());
    let store = FjallConfig::new(&path).open().await.unwrap();
    for number in 0..acknowledged {
        let entry = store.get(&format!("{number:04}")).await.unwrap().unwrap();
        assert!(entry.value == value, "{number}");
    }
    store.put("after", "value").await.unwrap();
    (refused.kind(), refused.outcome())
}

#[tokio::test]
async fn a_read_only_directory_is_denied() {
    if !is_inside("a_read_only_directory_is_denied") {
        return;
    }
    let directory = tempdir().unwrap();
    mount(&["-t", "tmpfs", "-o", "size=8m", "none"], directory.path());
    let path = directory.path().join("store");
    let store = FjallConfig::new(&path).open().await.unwrap();
    store.put("key", "value").await.unwrap();
    store.close().await.unwrap();
    mount(&["-o", "remount,ro"], directory.path());
    let error = FjallConfig::new(&path).open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");

    mount(&["-o", "remount,rw"], directory.path());
    let store = FjallConfig::new(&path).open().await.unwrap();
    assert!(store.exists("key").await.unwrap());
}
