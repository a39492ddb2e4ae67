//! A disk that fills and is then freed: the store goes on without being opened
//! again.

use std::{
    num::NonZeroU32,
    path::Path,
    time::{Duration, Instant},
};

use storage_core::{
    Components, Durability, Error, ErrorKind, Outcome, ReadExt, Result, SeededRandom, Store,
    StoreExt, WriteBatch, WriteOptions,
};
use storage_rocks::{RocksBackend, RocksConfig, WriteAheadLog};
use storage_testkit::{
    CaseResult,
    on_disk::{self, OnDisk, Scene},
    site,
};

const BUFFERED: WriteOptions = WriteOptions::new().durability(Durability::Buffered);

/// RocksDB looks for room every five seconds.
const LONG_ENOUGH: Duration = Duration::from_mins(2);

struct Rocks;

impl OnDisk for Rocks {
    type Store = RocksBackend;
    const ENGINE: &'static str = "rocks";
    const FORMAT_VERSION: u32 = 1;

    async fn open(&self, directory: &Path, components: Components) -> Result<RocksBackend> {
        let mut config = RocksConfig::new(directory);
        config.write_buffer_bytes = 1 << 20;
        config.open_with(components).await
    }
}

#[test]
fn once_there_is_room_again_a_store_goes_on_by_itself() {
    on_disk::run(
        site!(once_there_is_room_again_a_store_goes_on_by_itself),
        Rocks,
        goes_on,
    );
}

async fn goes_on(scene: &Scene<Rocks>) -> CaseResult {
    let Some(disk) = scene.disk("disk", 3 << 20)? else {
        return Ok(());
    };
    let path = disk.path().join("store");
    let store = scene.open(&path).await?;
    let (mut there, mut absent) = (Vec::new(), Vec::new());
    let mut number = 0;
    while absent.len() < 20 {
        number += 1;
        match put(&store, number).await {
            Ok(()) => there.push(number),
            Err(error) => {
                // It was not applied, and that is certain.
                let answer = (error.kind(), error.outcome());
                assert_eq!(
                    answer,
                    (ErrorKind::Full, Some(Outcome::NotApplied)),
                    "{error}"
                );
                absent.push(number);
            }
        }
    }
    assert!(!there.is_empty());
    let health = store.health().await?;
    let issue = health.issues.first();
    let named = issue.map(|issue| (issue.name, issue.detail.matches("reopen the store").count()));
    assert_eq!(named, Some(("background_error", 1)), "{health:?}");

    disk.resize(64 << 20)?;
    let begun = Instant::now();
    while let Err(error) = put(&store, number + 1).await {
        assert!(begun.elapsed() < LONG_ENOUGH, "it does not go on: {error}");
        std::thread::sleep(Duration::from_millis(100));
    }
    there.push(number + 1);
    store.put("synced", "too").await?;
    assert!(store.health().await?.is_well());
    holds(&store, &there, &absent).await?;
    store.close().await?;
    drop(store);
    let store = scene.open(&path).await?;
    holds(&store, &there, &absent).await?;
    assert_eq!(store.check().await?.damages, []);
    store.close().await?;
    Ok(())
}

#[test]
fn a_write_that_waits_for_a_flush_ends_when_the_flush_meets_a_full_disk() {
    on_disk::run(
        site!(a_write_that_waits_for_a_flush_ends_when_the_flush_meets_a_full_disk),
        Rocks,
        meets_a_full_disk_in_a_flush,
    );
}

async fn meets_a_full_disk_in_a_flush(scene: &Scene<Rocks>) -> CaseResult {
    let Some(disk) = scene.disk("disk", 3 << 20)? else {
        return Ok(());
    };
    let mut config = RocksConfig::new(disk.path().join("store"));
    config.write_buffer_bytes = 256 << 10;
    config.write_buffers_max = const { NonZeroU32::new(2).unwrap() };
    // So that nothing but flushes takes room.
    config.log = WriteAheadLog::Off;
    let store = config.open().await?;
    let volatile = WriteOptions::new().durability(Durability::Volatile);
    let mut refused = 0;
    for number in 0..1_000 {
        if let Err(error) = store.commit_with(noise(number), &volatile).await {
            let answer = (error.kind(), error.outcome());
            assert_eq!(
                answer,
                (ErrorKind::Full, Some(Outcome::NotApplied)),
                "{error}"
            );
            refused += 1;
        }
        if refused == 20 {
            break;
        }
    }
    assert_eq!(refused, 20);
    let _ = store.close().await;
    Ok(())
}

async fn put(store: &RocksBackend, number: u64) -> Result<(), Error> {
    store.commit_with(noise(number), &BUFFERED).await.map(drop)
}

fn noise(number: u64) -> WriteBatch {
    let random = SeededRandom::new(number);
    let noise: Vec<u8> = (0..5_000)
        .flat_map(|_| random.next_u64().to_le_bytes())
        .collect();
    WriteBatch::new().put(number.to_be_bytes().to_vec(), noise)
}

async fn holds(store: &RocksBackend, there: &[u64], absent: &[u64]) -> Result<()> {
    for (numbers, is_there) in [(there, true), (absent, false)] {
        for number in numbers {
            assert_eq!(
                store.exists(&number.to_be_bytes()).await?,
                is_there,
                "{number}"
            );
        }
    }
    Ok(())
}
