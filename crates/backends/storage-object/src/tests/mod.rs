//! What only somebody between the engine and its objects can see.

mod watched;

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use storage_core::{
    Components, Durability, ErrorKind, Key, KeyRange, Outcome, Read, ReadExt, ScanOptions,
    StoreExt, WriteBatch, networked::Networked,
};

use tokio::time::Instant;

use self::watched::Watched;
use crate::{
    ObjectBackend, ObjectConditions, ObjectConfig, ObjectPlace,
    bucket::BucketKind,
    deletes::Deletes,
    name::{HEAD_BYTES, Names},
    object::HEAD_BYTES_MAX,
    open::{Holder, engine_in},
    place::Promise,
};

/// How long calls may take in these tests.
const LIMIT: Duration = Duration::from_millis(400);

/// How long where a listing is slow: what a call does besides is little of it, also
/// where the machine is busy.
const LISTING_LIMIT: Duration = Duration::from_secs(3);

const REQUESTS: NonZeroUsize = NonZeroUsize::new(4).unwrap();

async fn store_in(objects: &Arc<Watched>) -> ObjectBackend {
    store_of(objects, BucketKind::Memory, LIMIT).await
}

/// One on a server, whose listings have an order.
async fn served_store_in(objects: &Arc<Watched>) -> ObjectBackend {
    store_of(objects, BucketKind::Server(Deletes::IfMatch), LISTING_LIMIT).await
}

async fn store_of(objects: &Arc<Watched>, kind: BucketKind, limit: Duration) -> ObjectBackend {
    let mut config = ObjectConfig::new(ObjectPlace::Memory);
    config.time_limit = limit;
    config.requests_at_once = REQUESTS;
    config.conditions = ObjectConditions::Unused;
    let store: Arc<dyn ObjectStore> = objects.clone();
    let holder = Holder {
        store,
        kind,
        promise: Promise::Strong,
        durability: Durability::Volatile,
        directory: None,
    };
    let components = Components::default();
    let deadline = Instant::now() + limit;
    let engine = engine_in(holder, config, &components, deadline)
        .await
        .unwrap();
    Networked::open(engine, &components).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_outlives_its_commit_is_not_done_after_a_later_one() {
    let objects = Arc::new(Watched::new());
    let store = store_in(&objects).await;
    store.put("k", "old").await.unwrap();
    objects.hold_puts();
    let error = store.put("k", "late").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error:?}");
    assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error:?}");
    // It may still be done, so nobody comes in between: neither with a guard.
    let swap = WriteBatch::new().present("k").put("k", "swapped");
    for batch in [WriteBatch::new().put("k", "new"), swap] {
        let error = store.commit(batch).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error:?}");
        assert_eq!(error.outcome(), Some(Outcome::NotApplied), "{error:?}");
    }
    let later = tokio::spawn({
        let store = store.clone();
        async move { store.put("k", "later").await }
    });
    // One that does not wait for the other would take the other's turn.
    tokio::time::sleep(LIMIT / 4).await;
    objects.let_puts_go(2);
    later.await.unwrap().unwrap();
    tokio::time::sleep(LIMIT / 4).await;
    assert_eq!(store.get("k").await.unwrap().unwrap().value(), "later");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_keys_that_only_objects_tell_reads_heads_and_its_own_values() {
    const KEYS: u8 = 20;
    const VALUE_BYTES: usize = 100_000;
    let objects = Arc::new(Watched::new());
    let store = store_in(&objects).await;
    for end in 0..KEYS {
        let key = [vec![b'x'; HEAD_BYTES], vec![end]].concat();
        store.put(&key[..], vec![end; VALUE_BYTES]).await.unwrap();
    }
    objects.bytes_got();
    let heads = usize::from(KEYS) * HEAD_BYTES_MAX;
    for (options, values) in [
        (ScanOptions::new().keys_only(), 0),
        // Room for one, and one more that tells of the next page.
        (ScanOptions::new().entries_max(1), 2),
        (ScanOptions::new().entries_max(1).reverse(), 2),
        (ScanOptions::new().bytes_max(3 * VALUE_BYTES), 4),
    ] {
        store.scan_with(&KeyRange::all(), &options).await.unwrap();
        let read = objects.bytes_got();
        let allowed = heads + values * (VALUE_BYTES + HEAD_BYTES_MAX);
        assert!(read <= allowed, "{options:?}: {read} of {allowed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_slow_objects_is_shorter_and_not_too_late() {
    let objects = Arc::new(Watched::new());
    let store = store_in(&objects).await;
    let keys: Vec<Vec<u8>> = (0..60_u8).map(|key| vec![key]).collect();
    for key in &keys {
        store.put(key.as_slice(), "v").await.unwrap();
    }
    // All of them take longer than a call may.
    objects.slow_gets_down(LIMIT / 10);
    for reverse in [false, true] {
        let options = ScanOptions::new();
        let options = if reverse { options.reverse() } else { options };
        let scan = store.scan(KeyRange::all(), options);
        let items = scan.collect().await.unwrap();
        let mut found: Vec<_> = items.iter().map(|item| item.key.to_vec()).collect();
        if reverse {
            found.reverse();
        }
        assert!(found == keys);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_slow_listing_is_shorter_and_not_too_late() {
    let objects = Arc::new(Watched::new());
    let store = served_store_in(&objects).await;
    let keys: Vec<Vec<u8>> = (0..55_u8).map(|key| vec![key]).collect();
    for key in &keys {
        store.put(key.as_slice(), "v").await.unwrap();
    }
    // All of its answers take longer than a call may.
    objects.slow_listings_down(LISTING_LIMIT / 4);
    let scan = store.scan(KeyRange::all(), ScanOptions::new());
    let items = scan.collect().await.unwrap();
    let found: Vec<_> = items.iter().map(|item| item.key.to_vec()).collect();
    assert!(found == keys);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_listing_does_not_part_keys_that_only_objects_tell() {
    let objects = Arc::new(Watched::new());
    let store = served_store_in(&objects).await;
    let key = |end| [vec![b'x'; HEAD_BYTES], vec![end]].concat();
    // More than one answer has, behind one that stands alone.
    let mut keys = vec![b"a".to_vec()];
    keys.extend((0..15).map(key));
    for key in &keys {
        store.put(key.as_slice(), "v").await.unwrap();
    }
    objects.slow_listings_down(LISTING_LIMIT / 5);
    let scan = store.scan(KeyRange::all(), ScanOptions::new());
    let items = scan.collect().await.unwrap();
    let found: Vec<_> = items.iter().map(|item| item.key.to_vec()).collect();
    assert!(found == keys);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_has_something_does_not_wait_for_more_of_a_slow_listing() {
    let objects = Arc::new(Watched::new());
    let store = served_store_in(&objects).await;
    // The second page takes two answers, for which the first one has no time left.
    let mut keys: Vec<Vec<u8>> = (0..9_u8).map(|key| vec![key]).collect();
    keys.extend((0..15).map(|end| [vec![b'x'; HEAD_BYTES], vec![end]].concat()));
    for key in &keys {
        store.put(key.as_slice(), "v").await.unwrap();
    }
    objects.slow_listings_down(LISTING_LIMIT * 2 / 5);
    let scan = store.scan(KeyRange::all(), ScanOptions::new());
    let items = scan.collect().await.unwrap();
    let found: Vec<_> = items.iter().map(|item| item.key.to_vec()).collect();
    assert!(found == keys);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_others_in_a_slow_listing_are_not_waited_behind() {
    let objects = Arc::new(Watched::new());
    let store = served_store_in(&objects).await;
    let names = Names::below(ObjectConfig::new(ObjectPlace::Memory).root().unwrap());
    let mut keys = Vec::new();
    for key in 0..60_u8 {
        if usize::from(key + 1) % Watched::PER_ANSWER == 0 {
            // The last one of each answer is not of the store.
            let other = format!("{}-other", names.entry(Key::user(&[key - 1])));
            objects.put(&Path::from(other), "v".into()).await.unwrap();
        } else {
            store.put(&[key], "v").await.unwrap();
            keys.push(vec![key]);
        }
    }
    objects.slow_listings_down(LISTING_LIMIT / 4);
    let scan = store.scan(KeyRange::all(), ScanOptions::new());
    let items = scan.collect().await.unwrap();
    let found: Vec<_> = items.iter().map(|item| item.key.to_vec()).collect();
    assert!(found == keys);
}
