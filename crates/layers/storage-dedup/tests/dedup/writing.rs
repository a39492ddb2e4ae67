//! What is written, and how often.

use crate::scene::{Scene, config, noise};
use storage_core::{
    Capabilities, ErrorKind, Guard, KeyRange, ReadExt, Space, Store, StoreExt, SystemKeys,
    WriteBatch, blocking::block_on, memory::MemoryConfig,
};

#[test]
fn equal_values_are_stored_once() {
    let scene = Scene::new();
    let value = noise(1, 500);
    for number in 0..10 {
        scene.put(&format!("{number}"), value.clone());
    }
    assert_eq!(scene.chunks(), 1);
    assert_eq!(scene.rows("r").len(), 10);
    for number in 0..10 {
        assert_eq!(scene.get(&format!("{number}")).unwrap().unwrap(), value);
    }
    let stats = scene.stats();
    assert_eq!((stats.logical_bytes, stats.stored_bytes), (5_000, 500));
    assert_eq!((stats.duplicates, stats.referring_values), (9, 10));
    assert!((stats.ratio() - 10.0).abs() < 1e-9);
    scene.assert_sound();
}

#[test]
fn values_that_nobody_remembers_are_stored_once_too() {
    let scene = Scene::with(config().known_max(0));
    for key in ["a", "b"] {
        scene.put(key, noise(1, 500));
    }
    assert_eq!(scene.stats().stored_bytes, 500);
}

#[test]
fn large_values_that_differ_a_little_share_most_of_their_chunks() {
    let scene = Scene::new();
    let value = noise(1, 50_000);
    scene.put("a", value.clone());
    let chunks = scene.chunks();
    let mut changed = value.clone();
    changed.splice(25_000..25_000, *b"a little");
    scene.put("b", changed.clone());
    assert!(scene.chunks() <= chunks + 4, "{chunks} {}", scene.chunks());
    assert_eq!(scene.get("a").unwrap().unwrap(), value);
    assert_eq!(scene.get("b").unwrap().unwrap(), changed);
    scene.assert_sound();
}

#[test]
fn a_value_of_equal_chunks_is_put_together_of_one() {
    let scene = Scene::new();
    scene.put("zeros", vec![0; 10_240]);
    assert!(scene.chunks() <= 2);
    assert_eq!(scene.get("zeros").unwrap().unwrap(), vec![0; 10_240]);
    assert_eq!(scene.collect().referring_bytes, 10_240);
    scene.assert_sound();
}

#[test]
fn short_values_stand_in_their_rows() {
    let scene = Scene::new();
    scene.put("short", noise(1, 63));
    assert_eq!(scene.row("short")[1..], noise(1, 63));
    assert_eq!((scene.chunks(), scene.stats().inline_values), (0, 1));
    scene.put("long", noise(1, 64));
    assert_eq!(scene.chunks(), 1);
}

#[test]
fn values_of_one_batch_share_chunks() {
    let scene = Scene::new();
    let batch = WriteBatch::new()
        .put("a", noise(1, 500))
        .put("b", noise(1, 500))
        .put("a", noise(2, 500));
    block_on(scene.store.commit(batch)).unwrap();
    assert_eq!(scene.get("a").unwrap().unwrap(), noise(2, 500));
    assert_eq!(scene.get("b").unwrap().unwrap(), noise(1, 500));
    assert_eq!((scene.chunks(), scene.stats().stored_bytes), (2, 1_000));
    scene.assert_sound();
}

#[test]
fn a_sequenced_put_is_hinted_under_the_key_that_it_gets() {
    let scene = Scene::new();
    let batch = WriteBatch::new().put_sequenced("log/", "!", noise(1, 500));
    block_on(scene.store.commit(batch)).unwrap();
    let items = block_on(scene.store.scan_prefix("log/").collect()).unwrap();
    assert_eq!(items[0].entry.value(), &noise(1, 500));
    scene.assert_sound();
    scene.clock.advance(crate::scene::GRACE);
    assert_eq!(scene.collect().live_chunks, 1);
}

#[test]
fn a_guard_that_does_not_hold_is_named_as_the_caller_knows_it() {
    let scene = Scene::new();
    scene.put("a", noise(1, 500));
    let batch = WriteBatch::new()
        .present("a")
        .absent("a")
        .put("b", noise(1, 500));
    let error = block_on(scene.store.commit(batch)).unwrap_err();
    assert_eq!(
        (error.kind(), error.guard()),
        (ErrorKind::Conflict, Some(1))
    );
    assert_eq!(scene.get("b").unwrap(), None);
}

/// The store is told that the chunk is gone, although it is remembered.
#[test]
fn a_chunk_that_went_away_is_written_again() {
    let scene = Scene::new();
    let value = noise(1, 500);
    scene.put("a", value.clone());
    scene.delete("a");
    scene.collect();
    scene.clock.advance(crate::scene::GRACE);
    // Another process removes it: this one is not told.
    let other = Scene::control(&scene).clone();
    block_on(other.collect_now()).unwrap();
    assert_eq!(scene.chunks(), 0);
    scene.put("b", value.clone());
    for key in ["c", "d"] {
        let hash = scene.rows("l").remove(0).0;
        block_on(
            scene.below.commit(
                WriteBatch::new()
                    .delete(Scene::own_key("l", &hash))
                    .delete(Scene::own_key("c", &hash)),
            ),
        )
        .unwrap();
        scene.put(key, value.clone());
        assert_eq!(scene.get(key).unwrap().unwrap(), value);
    }
    scene.assert_sound();
}

#[test]
fn the_own_keys_are_refused_and_spared() {
    let scene = Scene::new();
    scene.put("a", noise(1, 500));
    let hash = scene.rows("c").remove(0).0;
    let own = Scene::own_key("c", &hash);
    for batch in [
        WriteBatch::new().put(&own, "x"),
        WriteBatch::new().delete(&own),
        WriteBatch::new().guard(Guard::Present(own.clone())),
        WriteBatch::new().put_sequenced(&own, "", "x"),
    ] {
        let error = block_on(scene.store.commit(batch)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
    let other = SystemKeys::of("other").key("x");
    block_on(scene.store.put(&other, noise(2, 500))).unwrap();
    let system = KeyRange::all().in_space(Space::System);
    block_on(scene.store.delete_range(system)).unwrap();
    assert!(!block_on(scene.store.exists(&other)).unwrap());
    assert_eq!(scene.get("a").unwrap().unwrap(), noise(1, 500));
}

#[test]
fn limits_leave_room_for_rows() {
    let scene = Scene::new();
    let (above, below) = (scene.store.capabilities(), scene.below.capabilities());
    assert_eq!(above.value_bytes_max, below.value_bytes_max - 1);
    assert_eq!(above.batch_operations_max, below.batch_operations_max - 16);
}

/// The longest system keys leave no room for a hint.
#[test]
fn what_has_no_room_for_a_hint_stands_in_its_row() {
    let scene = Scene::new();
    let longest = MemoryConfig::new().open().capabilities().key_bytes_max
        + Capabilities::SYSTEM_KEY_EXTRA_BYTES;
    let prefix = SystemKeys::of("other").key("").bytes().len();
    let keys = [longest - prefix, longest - prefix - 41];
    for (length, chunks) in keys.into_iter().zip([0, 1]) {
        let key = SystemKeys::of("other").key(vec![7; length]);
        block_on(scene.store.put(&key, noise(1, 500))).unwrap();
        assert_eq!(scene.chunks(), chunks);
        let entry = block_on(scene.store.get(&key)).unwrap().unwrap();
        assert_eq!(entry.value(), &noise(1, 500));
    }
    scene.assert_sound();
}
