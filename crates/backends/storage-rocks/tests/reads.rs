//! Where reads and writes run: on the caller's thread as long as nothing waits
//! for a disk.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use storage_core::{
    Components, Direction, Durability, ErrorKind, Executor, Job, Key, KeyRange, Maintenance,
    OwnedKey, Projection, Put, Read, ReadExt, Result, ScanOptions, Store, StoreExt, WriteBatch,
    WriteOptions,
    embedded::{Change, Engine, EngineRead, Tried},
};
use storage_rocks::{RocksBackend, RocksConfig, RocksEngine};
use tempfile::tempdir;

const ENTRIES: u16 = 1_000;

/// Counts what goes to the pool.
#[derive(Clone, Debug, Default)]
struct Counted(Arc<AtomicUsize>);

impl Executor for Counted {
    fn execute(&self, job: Job) -> Result<()> {
        self.0.fetch_add(1, Ordering::SeqCst);
        thread::spawn(job);
        Ok(())
    }
}

impl Counted {
    /// How many jobs went to the pool since the last call.
    fn hops(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

/// A store whose entries are in sorted files, and in no cache.
async fn cold(path: &Path, counted: &Counted) -> RocksBackend {
    let open =
        || RocksConfig::new(path).open_with(Components::default().with_executor(counted.clone()));
    let store = open().await.unwrap();
    let mut batch = WriteBatch::new();
    for number in 0..ENTRIES {
        batch = batch.put(number.to_be_bytes().to_vec(), vec![7; 100]);
    }
    store.commit(batch).await.unwrap();
    store.maintain(Maintenance::Compact).await.unwrap();
    store.close().await.unwrap();
    let store = open().await.unwrap();
    counted.hops();
    store
}

#[tokio::test]
async fn reads_go_to_the_pool_for_what_is_on_the_disk_alone_and_only_once() {
    let (directory, counted) = (tempdir().unwrap(), Counted::default());
    let store = cold(directory.path(), &counted).await;
    let page = || {
        let options = ScanOptions::new().entries_max(100);
        let store = store.clone();
        async move { store.scan_with(&KeyRange::all(), &options).await.unwrap() }
    };
    let keys: Vec<OwnedKey> = (500_u16..510)
        .map(|key| key.to_be_bytes().to_vec().into())
        .collect();

    assert_eq!(page().await.items.len(), 100);
    assert_eq!(counted.hops(), 1);
    assert!(
        store
            .get_many(&keys)
            .await
            .unwrap()
            .iter()
            .all(Option::is_some)
    );
    assert_eq!(counted.hops(), 1);

    // All of it is in the cache now.
    assert_eq!(page().await.items.len(), 100);
    assert!(
        store
            .get_many(&keys)
            .await
            .unwrap()
            .iter()
            .all(Option::is_some)
    );
    assert!(store.get(&5_u16.to_be_bytes()).await.unwrap().is_some());
    let snapshot = store.snapshot().await.unwrap();
    assert!(snapshot.get(&5_u16.to_be_bytes()).await.unwrap().is_some());
    assert_eq!(counted.hops(), 0);

    // What was just written is in memory.
    let buffered = WriteOptions::new().durability(Durability::Buffered);
    let batch = WriteBatch::new().put("new", "value");
    store.commit_with(batch, &buffered).await.unwrap();
    assert!(store.get("new").await.unwrap().is_some());
    assert_eq!(counted.hops(), 0);
}

#[tokio::test]
async fn the_engine_says_what_is_on_the_disk_only() {
    let (directory, counted) = (tempdir().unwrap(), Counted::default());
    let store = cold(directory.path(), &counted).await;
    store
        .with_engine(|engine| {
            let bytes = 500_u16.to_be_bytes();
            let key = Key::user(&bytes);
            let keys = [OwnedKey::from(bytes.to_vec())];
            let range = KeyRange::all();
            let scan = |engine: &RocksEngine| -> Result<Vec<bool>> {
                let items = engine.scan_cached(&range, Direction::Forward, Projection::Entries)?;
                Ok(items.map(|item| item.is_some()).collect())
            };
            assert!(engine.get_cached(key).is_none());
            assert!(engine.get_many_cached(&keys).is_none());
            // It begins with what it can, and says where it cannot go on.
            assert_eq!(scan(engine)?.last(), Some(&false));

            assert!(engine.get(key)?.is_some());
            assert!(engine.get_cached(key).unwrap()?.is_some());
            assert!(engine.get_many_cached(&keys).unwrap()?[0].is_some());
            let found = engine.scan(&range, Direction::Forward, Projection::Keys)?;
            assert_eq!(found.count(), usize::from(ENTRIES));
            let found = scan(engine)?;
            assert_eq!(
                (found.len(), found.contains(&false)),
                (usize::from(ENTRIES), false)
            );

            // That a key is not there, too, takes a look at the disk, unless the
            // filter tells.
            assert!(engine.get_cached(Key::user(b"absent")).unwrap()?.is_none());
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_scan_over_many_deleted_entries_goes_to_the_pool() {
    let (directory, counted) = (tempdir().unwrap(), Counted::default());
    let components = Components::default().with_executor(counted.clone());
    let config = RocksConfig::new(directory.path());
    let store = config.open_with(components).await.unwrap();
    let keys = || (0..5_000_u16).map(|number| number.to_be_bytes().to_vec());
    let put = keys().fold(WriteBatch::new(), |batch, key| batch.put(key, "value"));
    let delete = keys().fold(WriteBatch::new(), WriteBatch::delete);
    store.commit(put.put("z", "last")).await.unwrap();
    for (deleted, hops) in [(false, 0), (true, 1)] {
        if deleted {
            store.commit(delete.clone()).await.unwrap();
        }
        counted.hops();
        let page = ScanOptions::new().entries_max(1);
        let found = store.scan_with(&KeyRange::all(), &page).await.unwrap();
        assert_eq!(found.items.len(), 1);
        assert_eq!(counted.hops(), hops);
    }
}

#[tokio::test]
async fn a_write_that_would_stall_is_refused_and_made_where_it_may_wait() {
    const TRIES_MAX: usize = 1_000_000;
    let directory = tempdir().unwrap();
    let mut config = RocksConfig::new(directory.path());
    config.write_buffer_bytes = 64 << 10;
    config.write_buffers_max = 2.try_into().unwrap();
    let store = config.open().await.unwrap();
    let put = |number: usize| {
        let key = OwnedKey::from(number.to_be_bytes().to_vec());
        vec![Change::Put(Put::new(key, vec![7; 10_000]))]
    };
    let refused = store
        .with_engine(move |engine| {
            for number in 0..TRIES_MAX {
                if engine.try_apply(put(number), Durability::Buffered)? == Tried::WouldWait {
                    let key = number.to_be_bytes();
                    assert!(engine.get(Key::user(&key))?.is_none(), "it was refused");
                    engine.apply(put(number), Durability::Buffered)?;
                    return Ok(number);
                }
            }
            panic!("{TRIES_MAX} writes are not stalled");
        })
        .await
        .unwrap();
    let found = store
        .scan(KeyRange::all(), ScanOptions::new())
        .collect()
        .await
        .unwrap();
    assert_eq!(found.len(), refused + 1);
}

#[tokio::test]
async fn a_snapshot_outlives_nothing_but_its_store() {
    let directory = tempdir().unwrap();
    let store = RocksConfig::new(directory.path()).open().await.unwrap();
    store.put("key", "old").await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    let count = || async { store.stats().await.unwrap().detail("snapshots") };
    assert_eq!(count().await, Some(1));
    store.put("key", "new").await.unwrap();
    store.maintain(Maintenance::Compact).await.unwrap();
    assert_eq!(snapshot.get("key").await.unwrap().unwrap().value(), "old");
    drop(snapshot);
    assert_eq!(count().await, Some(0));

    let snapshot = store.snapshot().await.unwrap();
    store.close().await.unwrap();
    snapshot.get("key").await.unwrap_err();
    // The files are free although the snapshot is still there.
    let store = RocksConfig::new(directory.path()).open().await.unwrap();
    assert_eq!(store.get("key").await.unwrap().unwrap().value(), "new");
}

#[tokio::test]
async fn a_snapshot_of_the_engine_keeps_the_store_locked() {
    let directory = tempdir().unwrap();
    let config = RocksConfig::new(directory.path());
    let store = config.clone().open().await.unwrap();
    let snapshot = store.with_engine(Engine::snapshot).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    // RocksDB has the files open, so nobody else may.
    let error = config.clone().open().await.unwrap_err();
    assert!(error.message().contains("open"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    drop(snapshot);
    config.open().await.unwrap();
}
