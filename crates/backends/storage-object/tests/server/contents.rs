//! What is in the bucket: large values, long keys, damage.

use bytes::Bytes;
use storage_core::{ErrorKind, KeyRange, ReadExt, ScanOptions, Store, StoreExt};

use crate::{blocking, bucket, config_of, open, server};

#[tokio::test(flavor = "multi_thread")]
async fn a_large_value_is_written_in_parts_and_read_back() {
    let bucket = blocking(bucket).await;
    let mut config = config_of(&bucket.url("store"));
    config.parts.bytes_min = 6 << 20;
    config.parts.part_bytes = 5 << 20;
    let store = config.open().await.unwrap();
    let value: Bytes = (0..17_u32 << 18)
        .flat_map(u32::to_be_bytes)
        .collect::<Vec<_>>()
        .into();
    store.put("large", value.clone()).await.unwrap();
    assert!(store.get("large").await.unwrap().unwrap().value() == &value);
    // One that is guarded is written whole.
    let swapped = store.compare_and_swap("large", Some(&value), Some(value.slice(1..)));
    swapped.await.unwrap();
    assert!(store.get("large").await.unwrap().unwrap().value() == &value.slice(1..));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_share_a_long_beginning_are_scanned_in_order_page_by_page() {
    let bucket = blocking(bucket).await;
    let store = open(&bucket).await;
    let mut keys: Vec<Vec<u8>> = Vec::new();
    for end in 0..20_u8 {
        let mut key = vec![b'x'; 400];
        key.extend(vec![end; usize::from(end)]);
        keys.push(key);
    }
    keys.extend([vec![b'x'; 399], vec![b'y'; 10]]);
    keys.sort();
    for key in &keys {
        store.put(key.as_slice(), "v").await.unwrap();
    }
    for length in [1, 3, 7, 100] {
        for reverse in [false, true] {
            let mut options = ScanOptions::new();
            options.entries_max = length;
            let options = if reverse { options.reverse() } else { options };
            let items = store
                .scan(KeyRange::all(), options)
                .collect()
                .await
                .unwrap();
            let mut found: Vec<_> = items.iter().map(|item| item.key.to_vec()).collect();
            if reverse {
                found.reverse();
            }
            assert!(found == keys, "pages of {length}, reverse: {reverse}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_somebody_overwrote_is_corrupt() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let config = storage_object::ObjectConfig::directory(&path);
    let store = config.open().await.unwrap();
    store.put("a", "v").await.unwrap();
    store.put("b", "v").await.unwrap();
    let file = |name: &str| path.join("data/u").join(name);
    std::fs::copy(file("k61"), file("k62")).unwrap();
    std::fs::write(file("foreign"), "x").unwrap();
    let error = store.get("b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let damages = store.check().await.unwrap().damages;
    assert!(
        damages
            .iter()
            .any(|damage| damage.place.ends_with("foreign")),
        "{damages:?}"
    );
    assert!(damages.len() >= 2, "{damages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_object_is_in_the_storage_class_that_the_rules_give_it() {
    let (server, bucket) = server().await;
    let url = bucket.url("store");
    let url = format!("{url}&storage_class=GLACIER_IR:6000000&storage_class=STANDARD_IA:10");
    let mut config = config_of(&url);
    config.parts.bytes_min = 6 << 20;
    let store = config.open().await.unwrap();
    let sizes = [("a", 9), ("b", 10), ("c", 6_000_000), ("d", 7 << 20)];
    for (key, bytes) in sizes {
        store.put(key, vec![7; bytes]).await.unwrap();
    }
    // One that replaces another is in its own, also under a guard.
    let swap = storage_core::WriteBatch::new()
        .present("a")
        .put("a", vec![7; 11]);
    store.commit(swap).await.unwrap();
    store.put("b", "small").await.unwrap();
    let listing = format!("/{}?list-type=2", bucket.name());
    let listing = blocking(move || server.answer("GET", &listing).unwrap()).await;
    let class = |digits: &str| {
        let (_, behind) = listing.split_once(&format!("/u/k{digits}<")).unwrap();
        let (_, behind) = behind.split_once("<StorageClass>").unwrap();
        behind.split('<').next().unwrap()
    };
    let classes = ["61", "62", "63", "64"].map(class);
    let expected = ["STANDARD_IA", "STANDARD", "GLACIER_IR", "GLACIER_IR"];
    assert_eq!(classes, expected, "{listing}");
}
