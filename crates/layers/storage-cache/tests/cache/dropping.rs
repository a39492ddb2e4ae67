//! Futures that are dropped at every point where they wait.

use std::{
    future::Future,
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};

use storage_cache::{CacheConfig, Writes};
use storage_core::{
    Committed, KeyRange, OwnedKey, ReadExt, Result, Store, StoreExt, WriteBatch, blocking::block_on,
};
use storage_testkit::faulty::{Call, Fault, Faults, Gate, Rule};

use crate::scene::{Scene, poll};

pub(crate) type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + 'a>>;
type Committing<'a> = Reading<'a, Committed>;

fn hold(faults: &Faults, call: Call, fault: impl FnOnce(&Gate) -> Fault) -> Gate {
    let gate = Gate::new();
    faults.inject(Rule::on(call).nth(1), fault(&gate)).unwrap();
    gate
}

/// A commit that has been accepted and whose future is gone.
fn drop_commit(scene: &Scene, batch: WriteBatch) {
    let mut committing: Committing<'_> = Box::pin(scene.store.commit(batch));
    assert!(poll(&mut committing).is_pending());
}

#[test]
fn the_keys_of_a_dropped_commit_stay_out_of_the_cache_until_its_outcome_is_known() {
    for batch in [
        WriteBatch::new().put("k", "2"),
        WriteBatch::new()
            .delete_range(KeyRange::prefix("k"))
            .put("k", "2"),
    ] {
        let scene = Scene::new();
        scene.put("k", "1");
        scene.get("k");
        let gate = hold(&scene.faults, Call::Commit, |gate| Fault::hold(gate));
        drop_commit(&scene, batch);
        for _ in 0..3 {
            assert_eq!(scene.get("k").as_deref(), Some("1"));
        }
        gate.open();
        block_on(scene.faults.settled());
        assert_eq!(scene.get("k").as_deref(), Some("2"));
        // A read has learnt the outcome, and the next may keep what it finds.
        assert_is_sound(&scene);
        assert_eq!(scene.stats().uncertain_keys, 0);
    }
}

#[test]
fn a_dropped_commit_that_failed_without_effect_frees_its_keys() {
    let scene = Scene::new();
    scene.put("k", "1");
    let gate = hold(&scene.faults, Call::Commit, |gate| Fault::hold(gate));
    drop_commit(&scene, WriteBatch::new().absent("k").put("k", "2"));
    gate.open();
    block_on(scene.faults.settled());
    assert_is_sound(&scene);
}

#[test]
fn a_dropped_commit_is_made_though_nobody_asks_for_it() {
    let scene = Scene::new();
    let gate = hold(&scene.faults, Call::Commit, |gate| Fault::hold(gate));
    drop_commit(&scene, WriteBatch::new().put("k", "1"));
    gate.open();
    block_on(scene.faults.settled());
    assert!(block_on(scene.below.exists("k")).unwrap());
    block_on(scene.store.close()).unwrap();
}

/// Drops what `begin` begins after one poll, two, and so on, until it ends by
/// itself, where the store with these faults holds its first call of a kind; after each,
/// all must be as if nothing had happened.
pub(crate) fn drop_everywhere<'a, T>(
    faults: &Faults,
    call: Call,
    begin: impl Fn() -> Pin<Box<dyn Future<Output = Result<T>> + 'a>>,
    assert_is_sound: impl Fn(),
) -> u32 {
    for polls in 0.. {
        let gate = hold(faults, call, |gate| Fault::hold(gate));
        let mut work = begin();
        let mut has_ended = false;
        for number in 0..polls {
            // The second poll finds the gate open, and so on.
            if number == 1 {
                gate.open();
                block_on(faults.settled());
            }
            if let Poll::Ready(answer) = poll(&mut work) {
                answer.unwrap();
                has_ended = true;
                break;
            }
        }
        drop(work);
        faults.withdraw_all();
        // Nobody may be waiting there.
        gate.open();
        block_on(faults.settled());
        assert_is_sound();
        if has_ended {
            return polls;
        }
    }
    0
}

/// The store answers what the one below holds, at any time, and soon from memory.
fn assert_is_sound(scene: &Scene) {
    for key in ["a", "b", "k", "x"] {
        let begin = Instant::now();
        let mut is_hit = false;
        while !is_hit && begin.elapsed() < Duration::from_secs(10) {
            let hits = scene.stats().memory;
            let found = block_on(scene.store.get(key)).unwrap();
            assert_eq!(found, block_on(scene.below.get(key)).unwrap(), "{key}");
            let now = scene.stats().memory;
            // The answer of a dropped commit comes a moment after its effect.
            std::thread::yield_now();
            is_hit = hits.hits + hits.negative_hits < now.hits + now.negative_hits;
        }
        assert!(is_hit, "{key} stays out of the cache");
    }
}

fn scene_of(writes: Writes) -> Scene {
    let scene = Scene::with(CacheConfig::exclusive(1 << 20).writes(writes));
    scene.put("a", "1");
    scene.put("b", "1");
    scene.put("k", "1");
    scene
}

#[test]
fn a_get_may_be_dropped_anywhere() {
    let scene = scene_of(Writes::Forget);
    let begin = || -> Reading<'_, _> {
        scene.cache().clear();
        Box::pin(scene.store.get("k"))
    };
    let is_sound = || assert_is_sound(&scene);
    let polls = drop_everywhere(&scene.faults, Call::Get, begin, is_sound);
    assert!(polls >= 2, "it never waited");
}

#[test]
fn a_get_of_many_may_be_dropped_anywhere() {
    let scene = scene_of(Writes::Forget);
    let keys: [OwnedKey; 4] = ["a", "k", "x", "k"].map(OwnedKey::from);
    let begin = || -> Reading<'_, _> {
        scene.cache().clear();
        Box::pin(scene.store.get_many(&keys))
    };
    let is_sound = || assert_is_sound(&scene);
    let polls = drop_everywhere(&scene.faults, Call::GetMany, begin, is_sound);
    assert!(polls >= 2, "it never waited");
}

#[test]
fn a_commit_may_be_dropped_anywhere() {
    for writes in [Writes::Forget, Writes::ReadBack] {
        for call in [Call::Commit, Call::GetMany] {
            let scene = scene_of(writes);
            let begin = || -> Committing<'_> {
                let batch = WriteBatch::new()
                    .put("k", "2")
                    .delete("a")
                    .delete_range(KeyRange::prefix("b"))
                    .put_sequenced("log/", "", "1");
                Box::pin(scene.store.commit(batch))
            };
            let polls = drop_everywhere(&scene.faults, call, begin, || assert_is_sound(&scene));
            let waits = call == Call::Commit || writes == Writes::ReadBack;
            assert!(polls >= if waits { 2 } else { 1 }, "it never waited");
        }
    }
}

#[test]
fn an_answer_that_is_late_marks_its_keys_until_it_comes() {
    let scene = scene_of(Writes::Forget);
    scene.get("k");
    let gate = hold(&scene.faults, Call::Commit, |gate| Fault::hold_answer(gate));
    let mut committing: Committing<'_> =
        Box::pin(scene.store.commit(WriteBatch::new().put("k", "2")));
    assert!(poll(&mut committing).is_pending());
    // Applied, and not answered yet: whoever has seen it must not be shown the old value.
    assert_eq!(scene.get("k").as_deref(), Some("2"));
    gate.open();
    assert!(block_on(committing).is_ok());
    assert_eq!(scene.get("k").as_deref(), Some("2"));
}

#[test]
fn a_sequenced_put_that_is_applied_and_not_yet_answered_is_seen() {
    let scene = scene_of(Writes::Forget);
    let last = block_on(scene.store.put("a", "2"))
        .unwrap()
        .sequence
        .unwrap();
    let mut key = b"log/".to_vec();
    key.extend((last.get() + 1).to_be_bytes());
    let key = OwnedKey::from(key);
    assert!(!block_on(scene.store.exists(&key)).unwrap());
    let gate = hold(&scene.faults, Call::Commit, |gate| Fault::hold_answer(gate));
    let append = WriteBatch::new().put_sequenced("log/", "", "event");
    let mut committing: Committing<'_> = Box::pin(scene.store.commit(append));
    assert!(poll(&mut committing).is_pending());
    assert!(
        block_on(scene.below.exists(&key)).unwrap(),
        "another sequence"
    );
    assert!(block_on(scene.store.exists(&key)).unwrap());
    gate.open();
    block_on(committing).unwrap();
    assert!(block_on(scene.store.exists(&key)).unwrap());
}
