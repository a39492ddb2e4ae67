//! Syncs in the background that fail. What every engine answers to a failed sync
//! of a commit is in `on_disk.rs`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use storage_core::{
    Components, Durability, Error, ErrorKind, Outcome, ReadExt, Result, Store, WriteBatch,
    WriteOptions,
};
use storage_rocks::{RocksBackend, RocksConfig, WriteAheadLog};
use storage_testkit::{
    CaseResult,
    on_disk::{self, Call, OnDisk, Scene, fail_calls},
    site,
};

const BUFFERED: WriteOptions = WriteOptions::new().durability(Durability::Buffered);

const EIO: i32 = 5;

/// A sync takes far less.
const LONG_ENOUGH: Duration = Duration::from_mins(1);

struct Periodic;

impl OnDisk for Periodic {
    type Store = RocksBackend;
    const ENGINE: &'static str = "rocks";
    const FORMAT_VERSION: u32 = 1;

    async fn open(&self, directory: &Path, components: Components) -> Result<RocksBackend> {
        let mut config = RocksConfig::new(directory);
        config.log = WriteAheadLog::Periodic {
            interval: Duration::from_millis(1),
            bytes: 1,
        };
        config.open_with(components).await
    }
}

#[test]
fn a_sync_in_the_background_that_fails_ends_all_writes() {
    on_disk::run(
        site!(a_sync_in_the_background_that_fails_ends_all_writes),
        Periodic,
        fails_in_the_background,
    );
}

async fn fails_in_the_background(scene: &Scene<Periodic>) -> CaseResult {
    // A process of its own, which such a disk comes with.
    let Some(disk) = scene.disk("disk", 64 << 20)? else {
        return Ok(());
    };
    let store = scene.open(&disk.path().join("store")).await?;
    put(&store, "before").await?;
    fail_calls(Call::Sync, EIO)?;
    let begun = Instant::now();
    let error = loop {
        match put(&store, "unsynced").await {
            Ok(()) => assert!(
                begun.elapsed() < LONG_ENOUGH,
                "nobody says that a sync failed"
            ),
            Err(error) => break error,
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert_eq!(error.kind(), ErrorKind::Poisoned, "{error}");
    for durability in [Durability::Buffered, Durability::Synced] {
        let options = WriteOptions::new().durability(durability);
        let batch = WriteBatch::new().put("after", "value");
        let answer = store.commit_with(batch, &options).await.map(drop);
        let refused = answer.map_err(|error| (error.kind(), error.outcome()));
        let expected = (ErrorKind::Poisoned, Some(Outcome::NotApplied));
        assert_eq!(refused, Err(expected), "{durability:?}");
    }
    let health = store.health().await?;
    assert!(
        health
            .issues
            .iter()
            .any(|issue| issue.name == "sync_failed"),
        "{health:?}"
    );
    assert!(store.exists("before").await?);
    assert!(!store.exists("after").await?);
    Ok(())
}

async fn put(store: &RocksBackend, key: &str) -> Result<(), Error> {
    let batch = WriteBatch::new().put(key, "value");
    store.commit_with(batch, &BUFFERED).await.map(drop)
}
