//! Stores whose entries are spread over several tables.

use storage_core::{
    Direction, ErrorKind, KeyRange, ReadExt, ScanOptions, Store, StoreExt, WriteBatch,
};
use storage_testkit::servers::PgServer;

use crate::{database, fails};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_partitions_loses_nothing_of_what_many_write_at_once() {
    const TASKS: u32 = 24;
    const ROUNDS: u32 = 20;
    let database = database();
    let mut config = crate::config(&database);
    config.partitions = std::num::NonZeroU16::new(7);
    config.commits_at_once = std::num::NonZeroUsize::new(3).unwrap();
    let stores = [
        config.clone().open().await.unwrap(),
        config.open().await.unwrap(),
    ];
    let writing: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = stores[usize::from(task % 2 == 1)].clone();
            tokio::spawn(async move {
                let mut won = 0_u32;
                for round in 0..ROUNDS {
                    let own = format!("own/{task}/{round}");
                    store.put(own.as_bytes(), "v").await.unwrap();
                    // Of those who want it, one gets it, in whichever table it lies.
                    let contested = format!("one/{round}");
                    let batch = WriteBatch::new().absent(contested.as_bytes());
                    let claim = store.commit(batch.put(contested.as_bytes(), own.clone()));
                    won += u32::from(claim.await.is_ok());
                    if round % 4 == 3 {
                        let gone = format!("own/{task}/{}", round - 1);
                        store.delete(gone.as_bytes()).await.unwrap();
                    }
                }
                won
            })
        })
        .collect();
    let mut won = 0;
    for task in writing {
        won += task.await.unwrap();
    }
    assert_eq!(won, ROUNDS);
    let own = stores[0].count(KeyRange::prefix("own/")).await.unwrap();
    assert_eq!(own, u64::from(TASKS * (ROUNDS - ROUNDS / 4)));
    let spread = "SELECT count(*) FROM pg_stat_user_tables s \
        WHERE relname LIKE 'entries\\_%' AND pg_relation_size(relid) > 0";
    let spread = PgServer::shared().sql(database.name(), spread).unwrap();
    assert_eq!(spread.trim(), "7");
    assert!(stores[1].check().await.unwrap().damages.is_empty());
}

#[tokio::test]
async fn other_partitions_than_a_store_has_are_refused() {
    let database = database();
    let mut config = crate::config(&database);
    config.partitions = std::num::NonZeroU16::new(5);
    let other = {
        let mut other = config.clone();
        other.partitions = std::num::NonZeroU16::new(6);
        other
    };
    config.clone().open().await.unwrap();
    let error = fails(other.open().await, ErrorKind::Invalid);
    assert!(error.message().contains("partitions = 5"), "{error}");
    // Without the setting, it is what it is.
    config.partitions = None;
    config.open().await.unwrap();
}
