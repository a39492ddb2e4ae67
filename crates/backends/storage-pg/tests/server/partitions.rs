//! Stores whose entries are spread over several tables.

use storage_core::{Direction, KeyRange, ReadExt, ScanOptions, StoreExt, WriteBatch};

use crate::database;

#[tokio::test]
async fn a_store_in_partitions_scans_in_order() {
    let database = database();
    let mut config = crate::config(&database);
    config.partitions = std::num::NonZeroU16::new(5);
    let store = config.open().await.unwrap();
    let mut batch = WriteBatch::new();
    for number in 0..500_u32 {
        batch = batch.put(number.to_be_bytes().to_vec(), "v");
    }
    store.commit(batch).await.unwrap();
    for options in [ScanOptions::new(), ScanOptions::new().reverse()] {
        let scan = store.scan(KeyRange::all(), options.clone().entries_max(7));
        let mut keys: Vec<_> = scan
            .collect()
            .await
            .unwrap()
            .into_iter()
            .map(|item| item.key)
            .collect();
        if options.direction == Direction::Reverse {
            keys.reverse();
        }
        assert_eq!(keys.len(), 500);
        assert!(keys.is_sorted());
    }
    let range = KeyRange::between(100_u32.to_be_bytes()..200_u32.to_be_bytes());
    store
        .commit(WriteBatch::new().delete_range(range))
        .await
        .unwrap();
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 400);
}
