//! What is too old to be served.

use std::time::Duration;

use storage_cache::CacheConfig;
use storage_core::{Consistency, Key, Read, ReadExt, ReadOptions, StoreExt, blocking::block_on};

use crate::scene::Scene;

const SECOND: Duration = Duration::from_secs(1);
const JUST_BEFORE: Duration = Duration::from_millis(999);

fn get_within(scene: &Scene, consistency: Consistency) -> String {
    let options = ReadOptions::new().consistency(consistency);
    let entry = block_on(scene.store.get_with(Key::user(b"k"), &options));
    String::from_utf8(entry.unwrap().unwrap().value().to_vec()).unwrap()
}

#[test]
fn an_entry_is_not_served_at_the_instant_it_expires_or_after() {
    let scene = Scene::new();
    block_on(scene.store.put_for("k", "1", SECOND)).unwrap();
    assert_eq!(scene.get("k").as_deref(), Some("1"));
    scene.clock.advance(JUST_BEFORE);
    let reads = scene.reads_during(|| assert_eq!(scene.get("k").as_deref(), Some("1")));
    assert_eq!(reads, 0);
    scene.clock.advance(Duration::from_millis(1));
    assert_eq!(scene.get("k"), None);
    let many = block_on(scene.store.get_many(&["k".into()])).unwrap();
    assert_eq!(many, [None]);
}

#[test]
fn what_others_write_is_seen_when_the_time_to_live_is_over() {
    let scene = Scene::with(CacheConfig::shared(1 << 20, SECOND));
    scene.put("k", "1");
    scene.get("k");
    scene.get("x");
    scene.put_below("k", "2");
    scene.put_below("x", "3");
    scene.clock.advance(JUST_BEFORE);
    assert_eq!(
        (scene.get("k").as_deref(), scene.get("x")),
        (Some("1"), None)
    );
    scene.clock.advance(Duration::from_millis(1));
    assert_eq!(scene.get("k").as_deref(), Some("2"));
    assert_eq!(scene.get("x").as_deref(), Some("3"));
    // The new ones are served for as long again.
    scene.clock.advance(JUST_BEFORE);
    assert_eq!(
        scene.reads_during(|| drop((scene.get("k"), scene.get("x")))),
        0
    );
}

#[test]
fn a_clock_that_was_set_back_keeps_nothing_alive() {
    let scene = Scene::with(CacheConfig::shared(1 << 20, SECOND));
    scene.put("k", "1");
    scene.get("k");
    scene.put_below("k", "2");
    // Far enough to wrap around, and a little back from where it was.
    let back = u64::MAX - 500 + 1;
    scene.clock.advance(Duration::from_millis(back));
    assert_eq!(scene.get("k").as_deref(), Some("2"));
}

#[test]
fn a_read_that_demands_to_be_linearizable_asks_the_store_if_others_write() {
    let scene = Scene::with(CacheConfig::shared(1 << 20, SECOND));
    scene.put("k", "1");
    scene.get("k");
    scene.put_below("k", "2");
    assert_eq!(get_within(&scene, Consistency::Linearizable), "2");
    let options = ReadOptions::new().consistency(Consistency::Linearizable);
    let many = block_on(scene.store.get_many_with(&["k".into()], &options)).unwrap();
    assert_eq!(many[0].as_ref().unwrap().value(), "2");
}

#[test]
fn a_read_that_demands_to_be_linearizable_is_served_where_nobody_else_writes() {
    let scene = Scene::new();
    scene.put("k", "1");
    scene.get("k");
    let reads = scene.reads_during(|| {
        assert_eq!(get_within(&scene, Consistency::Linearizable), "1");
    });
    assert_eq!(reads, 0);
}

#[test]
fn a_read_that_may_be_stale_is_served_what_is_young_enough_and_leaves_nothing() {
    let scene = Scene::with(CacheConfig::shared(1 << 20, 10 * SECOND));
    scene.put("k", "1");
    scene.get("k");
    scene.put_below("k", "2");
    scene.clock.advance(SECOND);
    let within = |at_most| get_within(&scene, Consistency::Stale { at_most });
    assert_eq!(within(2 * SECOND), "1");
    assert_eq!(within(SECOND), "2");
    // What the store below answers to such a read may be stale: others are not served it.
    scene.cache().clear();
    let reads = scene.reads_during(|| {
        assert_eq!(within(SECOND), "2");
        assert_eq!(scene.get("k").as_deref(), Some("2"));
    });
    assert_eq!(reads, 2);
}
