//! What is particular to snapshots that are transactions.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use storage_core::{
    Clock, Components, ErrorKind, KeyRange, Maintenance, ReadExt, Retry, Store, StoreExt,
    TimeSource, Timestamp, WriteBatch,
};
use storage_sqlite::SqliteConfig;
use tempfile::tempdir;

#[tokio::test]
async fn one_snapshot_too_many_is_throttled_until_another_is_dropped() {
    let directory = tempdir().unwrap();
    let mut config = SqliteConfig::new(directory.path());
    config.snapshots_max = NonZeroUsize::new(3).unwrap();
    let store = config.open().await.unwrap();
    let mut snapshots = Vec::new();
    for _ in 0..3 {
        snapshots.push(store.snapshot().await.unwrap());
    }
    let error = store.snapshot().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled, "{error}");
    assert!(error.message().contains("snapshots_max"), "{error}");
    assert!(matches!(error.retry(), Retry::After(_)));
    snapshots.pop();
    store.snapshot().await.unwrap();
    let stats = store.stats().await.unwrap();
    assert_eq!(stats.detail("snapshots"), Some(2));
}

#[tokio::test]
async fn a_snapshot_sees_its_state_through_a_vacuum() {
    let directory = tempdir().unwrap();
    let store = SqliteConfig::new(directory.path()).open().await.unwrap();
    for number in 0..100_u8 {
        store.put(&[number], vec![number; 2_000]).await.unwrap();
    }
    let snapshot = store.snapshot().await.unwrap();
    store.delete_range(KeyRange::between([10]..)).await.unwrap();
    store.maintain(Maintenance::Vacuum).await.unwrap();
    assert_eq!(snapshot.count(KeyRange::all()).await.unwrap(), 100);
    let last = snapshot.get(&[99]).await.unwrap().unwrap();
    assert_eq!(*last.value(), vec![99; 2_000]);
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 10);
}

#[tokio::test]
async fn reads_of_one_snapshot_from_many_tasks_take_turns() {
    let directory = tempdir().unwrap();
    let store = SqliteConfig::new(directory.path()).open().await.unwrap();
    let batch = (0..200_u8).fold(WriteBatch::new(), |batch, number| {
        batch.put(vec![number], vec![number; 3_000])
    });
    store.commit(batch).await.unwrap();
    let snapshot = Arc::new(store.snapshot().await.unwrap());
    let reading = (0..8).map(|_| {
        let snapshot = Arc::clone(&snapshot);
        tokio::spawn(async move {
            for number in 0..200_u8 {
                let entry = snapshot.get(&[number]).await.unwrap().unwrap();
                assert_eq!(entry.value()[0], number);
            }
            assert_eq!(snapshot.count(KeyRange::all()).await.unwrap(), 200);
        })
    });
    for task in reading.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// A clock that can be set back.
#[derive(Clone, Debug, Default)]
struct SetClock(Arc<AtomicU64>);

impl TimeSource for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_milliseconds(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn a_snapshot_that_has_expired_stays_so_when_the_clock_is_set_back() {
    let directory = tempdir().unwrap();
    let clock = SetClock::default();
    let mut config = SqliteConfig::new(directory.path());
    config.snapshot_age_max = Some(Duration::from_secs(1));
    let components = Components::default().with_clock(Clock::new(clock.clone()));
    let store = config.open_with(components).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    for now in [1_000, 0] {
        clock.0.store(now, Ordering::SeqCst);
        let error = snapshot.get("key").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SnapshotExpired, "{error}");
    }
}

fn descriptors(of: &Path) -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let leading = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    leading.filter(|path| path.starts_with(of)).count()
}

#[tokio::test]
async fn a_closed_store_leaves_no_connection_open() {
    let directory = tempdir().unwrap();
    let store = SqliteConfig::new(directory.path()).open().await.unwrap();
    store.put("key", "value").await.unwrap();
    let snapshots = [
        store.snapshot().await.unwrap(),
        store.snapshot().await.unwrap(),
    ];
    assert!(descriptors(directory.path()) > 0);
    store.close().await.unwrap();
    assert_eq!(descriptors(directory.path()), 0);
    for snapshot in snapshots {
        let error = snapshot.get("key").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
    }
}
