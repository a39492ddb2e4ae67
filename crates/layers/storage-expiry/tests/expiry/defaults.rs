//! Expiries where writers gave none.

use std::time::Duration;

use storage_core::{
    ReadExt, SequencedPut, StoreExt, SystemKeys, Timestamp, WriteBatch, blocking::block_on,
};
use storage_expiry::{ExpiryConfig, Sweep};

use crate::scene::{START, Scene};

fn scene() -> Scene {
    Scene::with(
        ExpiryConfig::new()
            .default_time_to_live(Duration::from_mins(1))
            .of_prefix("s/", Duration::from_secs(10))
            .of_prefix("kept/", None)
            .sweep(Sweep::OnDemand),
    )
}

fn expires(scene: &Scene, key: &str) -> Option<u64> {
    let entry = block_on(scene.store.get(key)).unwrap().unwrap();
    entry.expires().map(|at| at.as_unix_milliseconds() - START)
}

#[test]
fn a_put_without_an_expiry_gets_one_and_others_keep_theirs() {
    let scene = scene();
    for key in ["a", "s/1", "kept/1"] {
        block_on(scene.store.put(key, "v")).unwrap();
    }
    scene.put_for("s/own", 20);
    assert_eq!(expires(&scene, "a"), Some(60_000));
    assert_eq!(expires(&scene, "s/1"), Some(10_000));
    assert_eq!(expires(&scene, "kept/1"), None);
    assert_eq!(expires(&scene, "s/own"), Some(20_000));
    assert_eq!(scene.rows(), 3);
}

#[test]
fn the_end_of_time_is_for_good() {
    let scene = scene();
    let end = Timestamp::from_unix_milliseconds(u64::MAX);
    block_on(
        scene
            .store
            .commit(WriteBatch::new().put_until("a", "v", end)),
    )
    .unwrap();
    assert_eq!(scene.rows(), 0);
    scene.pass(1 << 30);
    assert!(block_on(scene.store.exists("a")).unwrap());
}

#[test]
fn a_swap_and_a_sequenced_put_get_one_too() {
    let scene = scene();
    block_on(scene.store.compare_and_swap("s/a", None, Some("v".into()))).unwrap();
    assert_eq!(expires(&scene, "s/a"), Some(10_000));
    let put = SequencedPut::new("s/log/", "", "v");
    block_on(scene.store.commit(WriteBatch::new().mutation(put))).unwrap();
    assert_eq!((scene.kept(), scene.rows()), (2, 2));
    scene.pass(10);
    assert_eq!(scene.sweep(), 2);
    assert_eq!((scene.kept(), scene.rows()), (0, 0));
}

#[test]
fn what_layers_keep_for_themselves_gets_none() {
    let scene = scene();
    let key = SystemKeys::of("fallback").key("s/");
    block_on(scene.store.put(&key, "v")).unwrap();
    let entry = block_on(scene.store.get(&key)).unwrap().unwrap();
    assert_eq!((entry.expires(), scene.rows()), (None, 0));
}
