//! What is served from memory, and what is not.

use storage_cache::{Absence, CacheConfig};
use storage_core::{
    KeyRange, OwnedKey, ReadExt, ScanOptions, Store, StoreExt, StoreHeader, SystemKeys, WriteBatch,
    blocking::block_on,
};
use storage_testkit::faulty::{Call, Fault, Gate, Rule};

use crate::scene::{Scene, poll};

#[test]
fn a_second_read_does_not_reach_the_store_below() {
    let scene = Scene::new();
    scene.put("k", "1");
    let reads = scene.reads_during(|| {
        for _ in 0..3 {
            assert_eq!(scene.get("k").as_deref(), Some("1"));
        }
    });
    assert_eq!(reads, 1);
    let memory = scene.stats().memory;
    assert_eq!((memory.hits, memory.misses, memory.fills), (2, 1, 1));
    assert_eq!(memory.entries, 1);
}

#[test]
fn absence_is_remembered_until_the_key_is_written() {
    let scene = Scene::new();
    let reads = scene.reads_during(|| {
        assert_eq!(scene.get("k"), None);
        assert_eq!(scene.get("k"), None);
    });
    assert_eq!((reads, scene.stats().memory.negative_hits), (1, 1));
    scene.put("k", "1");
    assert_eq!(scene.get("k").as_deref(), Some("1"));
}

#[test]
fn absence_takes_no_room_where_it_is_not_kept() {
    let scene = Scene::with(CacheConfig::exclusive(1 << 20).absence(Absence::NotKept));
    let reads = scene.reads_during(|| {
        assert_eq!(scene.get("k"), None);
        assert_eq!(scene.get("k"), None);
    });
    assert_eq!((reads, scene.stats().memory.entries), (2, 0));
}

#[test]
fn several_keys_are_asked_for_with_one_call_and_only_those_that_are_missing() {
    let scene = Scene::new();
    for key in ["a", "b", "c"] {
        scene.put(key, key);
    }
    scene.get("b");
    let keys: Vec<OwnedKey> = ["c", "b", "x", "a", "c"].map(OwnedKey::from).into();
    let mut found = Vec::new();
    let reads = scene.reads_during(|| {
        found = block_on(scene.store.get_many(&keys)).unwrap();
    });
    let values: Vec<_> = found
        .iter()
        .map(|entry| entry.as_ref().map(|entry| entry.value().as_ref()))
        .collect();
    assert_eq!(
        values,
        [Some(&b"c"[..]), Some(b"b"), None, Some(b"a"), Some(b"c")]
    );
    assert_eq!((reads, scene.faults.calls(Call::GetMany)), (1, 1));
    let reads = scene.reads_during(|| {
        assert_eq!(block_on(scene.store.get_many(&keys)).unwrap(), found);
    });
    assert_eq!(reads, 0);
}

#[test]
fn an_entry_keeps_the_stamp_of_the_store_below() {
    let scene = Scene::new();
    scene.put("k", "1");
    for _ in 0..2 {
        let entry = block_on(scene.store.get("k")).unwrap().unwrap();
        assert_eq!(entry, block_on(scene.below.get("k")).unwrap().unwrap());
        let swap = WriteBatch::new()
            .unchanged("k", entry.stamp())
            .put("other", "1");
        block_on(scene.store.commit(swap)).unwrap();
    }
    assert_eq!(scene.stats().memory.hits, 1);
}

#[test]
fn scans_and_snapshots_pass_through() {
    let scene = Scene::new();
    scene.put("k", "1");
    scene.get("k");
    let snapshot = block_on(scene.store.snapshot()).unwrap();
    scene.put("k", "2");
    scene.get("k");
    assert_eq!(block_on(snapshot.get("k")).unwrap().unwrap().value(), "1");
    let items = block_on(
        scene
            .store
            .scan(KeyRange::all(), ScanOptions::new())
            .collect(),
    );
    assert_eq!(items.unwrap()[0].entry.value(), "2");
}

#[test]
fn system_keys_pass_through_since_layers_below_write_their_own() {
    let scene = Scene::new();
    let key = SystemKeys::of("dedup").key("row");
    block_on(scene.store.put(&key, "1")).unwrap();
    assert!(block_on(scene.store.exists(&key)).unwrap());
    block_on(scene.below.put(&key, "2")).unwrap();
    let found = block_on(scene.store.get(&key)).unwrap().unwrap();
    assert_eq!(found.value(), "2");
    let reads = scene.reads_during(|| {
        for _ in 0..2 {
            block_on(StoreHeader::read(&scene.store)).unwrap().unwrap();
            block_on(scene.store.get_many(std::slice::from_ref(&key))).unwrap();
        }
    });
    assert_eq!((reads, scene.stats().memory.entries), (4, 0));
}

#[test]
fn a_closed_store_serves_nothing_from_memory() {
    let scene = Scene::new();
    scene.put("k", "1");
    scene.get("k");
    block_on(scene.store.clone().close()).unwrap();
    assert!(block_on(scene.store.get("k")).is_err());
    assert!(block_on(scene.store.get_many(&["k".into()])).is_err());
    assert_eq!(scene.stats().memory.entries, 0);
}

#[test]
fn a_read_that_ends_after_closing_leaves_nothing_to_be_served() {
    let scene = Scene::new();
    scene.put("k", "1");
    let gate = Gate::new();
    let late = Fault::hold_answer(&gate);
    scene
        .faults
        .inject(Rule::on(Call::Get).nth(1), late)
        .unwrap();
    let mut reading = Box::pin(scene.store.get("k"));
    assert!(poll(&mut reading).is_pending());
    block_on(scene.store.close()).unwrap();
    gate.open();
    assert!(block_on(reading).unwrap().is_some());
    assert!(block_on(scene.store.get("k")).is_err());
}

#[test]
fn the_figures_are_among_those_of_the_store() {
    let scene = Scene::new();
    scene.put("k", "1");
    for _ in 0..3 {
        scene.get("k");
    }
    let stats = block_on(scene.store.stats()).unwrap();
    assert_eq!(stats.detail("cache_hits"), Some(2));
    assert_eq!(stats.detail("cache_misses"), Some(1));
}
