//! Commits that fail, or of which nobody knows what became.

use std::time::Duration;

use storage_cache::CacheConfig;
use storage_core::{
    ErrorKind, KeyRange, Outcome, OwnedKey, ReadExt, StoreExt, WriteBatch, blocking::block_on,
};
use storage_testkit::faulty::{Call, Fault, Gate, Rule};

use crate::scene::Scene;

const MINUTE: Duration = Duration::from_mins(1);
const JUST_BEFORE: Duration = Duration::from_millis(59_999);

fn next_commit(scene: &Scene, fault: Fault) {
    scene
        .faults
        .inject(Rule::on(Call::Commit).nth(1), fault)
        .unwrap();
}

fn fails(scene: &Scene, batch: WriteBatch) -> Option<Outcome> {
    block_on(scene.store.commit(batch)).unwrap_err().outcome()
}

#[test]
fn a_commit_that_was_not_applied_leaves_its_keys_cacheable() {
    let scene = Scene::new();
    scene.put("k", "1");
    scene.get("k");
    next_commit(&scene, Fault::refuse(ErrorKind::Throttled));
    let outcome = fails(&scene, WriteBatch::new().put("k", "2"));
    assert_eq!(outcome, Some(Outcome::NotApplied));
    let reads = scene.reads_during(|| {
        for _ in 0..2 {
            assert_eq!(scene.get("k").as_deref(), Some("1"));
        }
    });
    assert_eq!((reads, scene.stats().uncertain_keys), (1, 0));
}

#[test]
fn a_commit_of_unknown_outcome_is_seen_whenever_it_takes_effect() {
    for batch in [
        WriteBatch::new().put("k", "2"),
        WriteBatch::new()
            .delete_range(KeyRange::prefix("k"))
            .put("k", "2"),
    ] {
        let scene = Scene::new();
        scene.put("k", "1");
        scene.get("k");
        let gate = Gate::new();
        next_commit(&scene, Fault::apply_late(ErrorKind::TimedOut, &gate));
        assert_eq!(fails(&scene, batch), Some(Outcome::Unknown));
        for _ in 0..2 {
            assert_eq!(scene.get("k").as_deref(), Some("1"));
        }
        gate.open();
        block_on(scene.faults.settled());
        assert_eq!(scene.get("k").as_deref(), Some("2"));
    }
}

#[test]
fn the_keys_of_an_unknown_commit_are_cached_again_after_their_time() {
    let scene = Scene::with(CacheConfig::exclusive(1 << 20).unknown_for(MINUTE));
    next_commit(&scene, Fault::lose_request(ErrorKind::TimedOut));
    let batch = WriteBatch::new()
        .put("k", "1")
        .delete_range(KeyRange::prefix("r"))
        .put_sequenced("s", "", "1");
    assert_eq!(fails(&scene, batch), Some(Outcome::Unknown));
    let read_twice = || {
        for key in ["k", "r1", "s12345678"] {
            scene.get(key);
            scene.get(key);
        }
    };
    scene.clock.advance(JUST_BEFORE);
    assert_eq!(
        (scene.reads_during(read_twice), scene.stats().uncertain_keys),
        (6, 1)
    );
    scene.clock.advance(Duration::from_millis(1));
    assert_eq!(
        (scene.reads_during(read_twice), scene.stats().uncertain_keys),
        (3, 0)
    );
}

#[test]
fn an_unknown_sequenced_put_is_seen_under_a_key_that_was_known_to_be_absent() {
    let scene = Scene::with(CacheConfig::exclusive(1 << 20).unknown_for(MINUTE));
    let sequence = block_on(scene.store.put("k", "1"))
        .unwrap()
        .sequence
        .unwrap();
    let mut key = b"log/".to_vec();
    key.extend((sequence.get() + 1).to_be_bytes());
    let key = OwnedKey::from(key);
    assert_eq!(block_on(scene.store.get(&key)).unwrap(), None);
    next_commit(&scene, Fault::lose_answer(ErrorKind::TimedOut));
    let append = WriteBatch::new().put_sequenced("log/", "", "event");
    assert_eq!(fails(&scene, append), Some(Outcome::Unknown));
    assert!(
        block_on(scene.below.exists(&key)).unwrap(),
        "another sequence"
    );
    assert!(block_on(scene.store.exists(&key)).unwrap());
    scene.clock.advance(MINUTE);
    assert!(block_on(scene.store.exists(&key)).unwrap());
}

#[test]
fn a_later_commit_does_not_vouch_for_an_unknown_one() {
    let scene = Scene::new();
    let gate = Gate::new();
    next_commit(&scene, Fault::apply_late(ErrorKind::TimedOut, &gate));
    fails(&scene, WriteBatch::new().put("k", "late"));
    scene.put("k", "2");
    for _ in 0..2 {
        assert_eq!(scene.get("k").as_deref(), Some("2"));
    }
    gate.open();
    block_on(scene.faults.settled());
    assert_eq!(scene.get("k").as_deref(), Some("late"));
}

#[test]
fn more_unknown_keys_than_are_worth_listing_turn_the_cache_off_for_their_time() {
    let scene = Scene::with(CacheConfig::exclusive(1 << 20).unknown_for(MINUTE));
    scene.put("k", "1");
    scene.get("k");
    let unknown = |from: u32, to: u32| {
        next_commit(&scene, Fault::lose_request(ErrorKind::TimedOut));
        let batch = (from..to).fold(WriteBatch::new(), |batch, number| {
            batch.put(format!("u{number}"), "")
        });
        assert_eq!(fails(&scene, batch), Some(Outcome::Unknown));
        scene.faults.withdraw_all();
    };
    unknown(0, 1 << 16);
    assert_eq!(scene.reads_during(|| drop(scene.get("k"))), 0);
    unknown(1 << 16, 1 + (1 << 16));
    assert_eq!(scene.stats().uncertain_keys, 1 << 16);
    assert_eq!(scene.reads_during(|| drop(scene.get("k"))), 1);
    scene.clock.advance(MINUTE);
    assert_eq!(scene.reads_during(|| drop(scene.get("k"))), 0);
}
