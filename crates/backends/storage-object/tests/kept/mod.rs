//! What the tests with servers that the suite is not run over have in common.

use storage_core::{KeyRange, ReadExt, ScanOptions, Store, StoreExt, WriteBatch};
use storage_object::ObjectConfig;

/// Puts keys of all lengths, and finds them in a store that was opened anew.
pub(crate) async fn what_was_put_is_there_in_order(config: ObjectConfig) {
    let store = config.clone().open().await.unwrap();
    let lengths = [0, 1, 99, 100, 101, 239, 240, 399, 400, 401, 2_048];
    let mut keys: Vec<Vec<u8>> = lengths.iter().map(|length| vec![0xff; *length]).collect();
    keys.extend((0..30_u8).map(|byte| vec![byte, 7]));
    keys.sort();
    for key in &keys {
        store.put(key.as_slice(), key.clone()).await.unwrap();
    }
    store.put("gone", "v").await.unwrap();
    store
        .commit(WriteBatch::new().delete("gone"))
        .await
        .unwrap();
    store.close().await.unwrap();
    let store = config.open().await.unwrap();
    for entries_max in [1_000, 7] {
        for is_reverse in [false, true] {
            let options = ScanOptions::new().entries_max(entries_max);
            let options = if is_reverse {
                options.reverse()
            } else {
                options
            };
            let scan = store.scan(KeyRange::all(), options);
            let items = scan.collect().await.unwrap();
            let mut found: Vec<_> = items.iter().map(|item| item.key.to_vec()).collect();
            if is_reverse {
                found.reverse();
            }
            assert!(found == keys);
            assert!(items.iter().all(|item| item.entry.value() == &item.key));
        }
    }
}
