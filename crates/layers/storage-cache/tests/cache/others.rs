//! Other processes that write to the store below.

use std::time::Duration;

use storage_cache::CacheConfig;
use storage_core::{ErrorKind, ReadExt, StoreExt, WriteBatch, blocking::block_on};

use crate::scene::Scene;

fn scene() -> Scene {
    Scene::with(CacheConfig::shared(1 << 20, Duration::from_mins(1)))
}

#[test]
fn a_swap_sees_what_others_wrote_and_succeeds_against_it() {
    let scene = scene();
    scene.put("k", "1");
    scene.get("k");
    scene.put_below("k", "2");
    // The cache still says 1: the guard says otherwise, and the swap reads again.
    let swap = scene
        .store
        .compare_and_swap("k", Some(b"1"), Some("3".into()));
    assert_eq!(block_on(swap).unwrap_err().kind(), ErrorKind::Conflict);
    let swap = scene
        .store
        .compare_and_swap("k", Some(b"2"), Some("3".into()));
    block_on(swap).unwrap();
    assert_eq!(scene.get("k").as_deref(), Some("3"));
}

#[test]
fn a_swap_against_a_rewritten_value_is_not_refused_for_ever() {
    let scene = scene();
    scene.put("k", "1");
    scene.get("k");
    // The same value with another stamp.
    let expires = storage_core::Timestamp::from_unix_milliseconds(u64::MAX);
    let rewrite = WriteBatch::new().put_until("k", "1", expires);
    block_on(scene.below.commit(rewrite)).unwrap();
    let swap = scene
        .store
        .compare_and_swap("k", Some(b"1"), Some("2".into()));
    block_on(swap).unwrap();
    assert_eq!(
        block_on(scene.below.get("k")).unwrap().unwrap().value(),
        "2"
    );
}

#[test]
fn a_conflict_over_absence_forgets_the_absence() {
    let scene = scene();
    assert_eq!(scene.get("k"), None);
    scene.put_below("k", "1");
    let create = WriteBatch::new().absent("k").put("k", "2");
    let error = block_on(scene.store.commit(create)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(scene.get("k").as_deref(), Some("1"));
}

#[test]
fn a_conflict_forgets_a_key_that_was_guarded_and_not_to_be_changed() {
    let scene = scene();
    scene.put("guarded", "1");
    let entry = block_on(scene.store.get("guarded")).unwrap().unwrap();
    scene.put_below("guarded", "2");
    let batch = WriteBatch::new()
        .unchanged("guarded", entry.stamp())
        .put("k", "1");
    let error = block_on(scene.store.commit(batch)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(scene.get("guarded").as_deref(), Some("2"));
}
