//! Vacuum and the like, and figures.

use storage_core::{ErrorKind, KeyRange, Maintenance, ReadExt, Store, StoreExt, WriteBatch};

use crate::{database, fails, open};

#[tokio::test]
async fn upkeep_is_done_while_the_store_is_used() {
    let database = database();
    let store = open(&database).await;
    let mut batch = WriteBatch::new();
    for number in 0..5_000_u32 {
        batch = batch.put(number.to_be_bytes().to_vec(), vec![7; 200]);
    }
    store.commit(batch).await.unwrap();
    store.maintain(Maintenance::Analyze).await.unwrap();
    let stats = store.stats().await.unwrap();
    assert_eq!(stats.entries_estimate, Some(5_000));
    assert!(stats.disk_bytes.unwrap() > 1_000_000);
    store
        .commit(WriteBatch::new().delete_range(KeyRange::all()))
        .await
        .unwrap();
    let vacuumed = store.maintain(Maintenance::Vacuum).await.unwrap();
    assert!(vacuumed.disk_bytes_after < vacuumed.disk_bytes_before);
    store.maintain(Maintenance::Reindex).await.unwrap();
    store.maintain(Maintenance::Flush).await.unwrap();
    fails(
        store.maintain(Maintenance::Compact).await,
        ErrorKind::Unsupported,
    );
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 0);
}

#[tokio::test]
async fn more_snapshots_than_allowed_are_throttled_until_some_are_dropped() {
    let database = database();
    let mut config = crate::config(&database);
    config.snapshots_max = std::num::NonZeroUsize::new(2).unwrap();
    let store = config.open().await.unwrap();
    store.put("k", "v").await.unwrap();
    let first = store.snapshot().await.unwrap();
    let second = store.snapshot().await.unwrap();
    fails(store.snapshot().await, ErrorKind::Throttled);
    drop(first);
    let third = store.snapshot().await.unwrap();
    assert!(second.exists("k").await.unwrap() && third.exists("k").await.unwrap());
}

#[tokio::test]
async fn large_values_of_one_read_all_come_back() {
    let database = database();
    let store = open(&database).await;
    let value = |number: u8| vec![number; 3 << 20];
    let keys: Vec<storage_core::OwnedKey> = (0..4_u8).map(|n| vec![n].into()).collect();
    for number in 0..4 {
        store.put(vec![number], value(number)).await.unwrap();
    }
    store.put("small", "v").await.unwrap();
    let mut asked = keys.clone();
    asked.push("small".into());
    asked.push("absent".into());
    asked.push(keys[2].clone());
    let entries = store.get_many(&asked).await.unwrap();
    for number in 0..4_u8 {
        let entry = entries[usize::from(number)].as_ref().unwrap();
        assert_eq!(*entry.value(), value(number));
    }
    assert_eq!(entries[4].as_ref().unwrap().value(), "v");
    assert!(entries[5].is_none());
    assert_eq!(*entries[6].as_ref().unwrap().value(), value(2));
}
