//! Reads of one key at the same time.

use std::{future::Future, pin::Pin, task::Poll, time::Duration};

use storage_core::{
    Entry, ErrorKind, ReadExt, Result, Store, StoreExt, WriteBatch, blocking::block_on,
};
use storage_testkit::faulty::{Call, Fault, Gate, Rule};

use crate::scene::{Scene, poll};

type Reading<'a> = Pin<Box<dyn Future<Output = Result<Option<Entry>>> + 'a>>;

/// Holds the next read of one key at a gate.
fn hold(scene: &Scene) -> Gate {
    let gate = Gate::new();
    scene
        .faults
        .inject(Rule::on(Call::Get).nth(1), Fault::hold(&gate))
        .unwrap();
    gate
}

fn reading(scene: &Scene) -> Reading<'_> {
    let mut reading: Reading<'_> = Box::pin(scene.store.get("k"));
    assert!(poll(&mut reading).is_pending());
    reading
}

fn value(answer: Result<Option<Entry>>) -> Option<String> {
    let entry = answer.unwrap()?;
    Some(String::from_utf8(entry.value().to_vec()).unwrap())
}

#[test]
fn many_misses_of_one_key_are_one_read_below() {
    let scene = Scene::new();
    scene.put("k", "1");
    let before = scene.reads_below();
    let gate = hold(&scene);
    let readings: Vec<_> = (0..100).map(|_| reading(&scene)).collect();
    gate.open();
    for reading in readings {
        assert_eq!(value(block_on(reading)).as_deref(), Some("1"));
    }
    assert_eq!(scene.reads_below() - before, 1);
    assert_eq!(scene.stats().joined, 99);
}

#[test]
fn a_dropped_leader_strands_nobody() {
    let scene = Scene::new();
    scene.put("k", "1");
    let before = scene.reads_below();
    let gate = hold(&scene);
    let leader = reading(&scene);
    let mut others: Vec<_> = (0..3).map(|_| reading(&scene)).collect();
    drop(leader);
    // One of them leads in its place, and the gate held the first read alone.
    for other in &mut others {
        assert_eq!(value(block_on(other)).as_deref(), Some("1"));
    }
    assert_eq!(scene.reads_below() - before, 2);
    drop(gate);
}

#[test]
fn a_leaders_error_reaches_all_who_joined_and_is_not_kept() {
    let scene = Scene::new();
    scene.put("k", "1");
    let gate = hold(&scene);
    let readings: Vec<_> = (0..3).map(|_| reading(&scene)).collect();
    block_on(scene.below.close()).unwrap();
    gate.open();
    for reading in readings {
        assert_eq!(block_on(reading).unwrap_err().kind(), ErrorKind::Closed);
    }
    assert_eq!(scene.stats().memory.entries, 0);
}

#[test]
fn a_read_that_began_before_a_commit_fills_nothing_and_is_joined_by_nobody_after() {
    let scene = Scene::new();
    scene.put("k", "1");
    let gate = Gate::new();
    scene
        .faults
        .inject(Rule::on(Call::Get).nth(1), Fault::hold_answer(&gate))
        .unwrap();
    let early = reading(&scene);
    scene.put("k", "2");
    assert_eq!(scene.get("k").as_deref(), Some("2"));
    gate.open();
    assert_eq!(value(block_on(early)).as_deref(), Some("1"));
    assert_eq!(scene.get("k").as_deref(), Some("2"));
    assert_eq!(scene.stats().memory.dropped_fills, 1);
}

#[test]
fn who_joins_a_read_is_not_given_what_has_expired_meanwhile() {
    let scene = Scene::new();
    let second = Duration::from_secs(1);
    block_on(scene.store.put_for("k", "1", second)).unwrap();
    let gate = Gate::new();
    scene
        .faults
        .inject(Rule::on(Call::Get).nth(1), Fault::hold_answer(&gate))
        .unwrap();
    let early = reading(&scene);
    scene.clock.advance(second);
    let late = reading(&scene);
    gate.open();
    assert_eq!(value(block_on(early)).as_deref(), Some("1"));
    assert_eq!(value(block_on(late)), None);
    assert_eq!(scene.get("k"), None);
}

#[test]
fn a_read_of_several_keys_may_join_itself_and_others() {
    let scene = Scene::new();
    scene.put("a", "1");
    scene.put("k", "1");
    let gate = hold(&scene);
    let lone = reading(&scene);
    let keys = ["k".into(), "a".into(), "a".into()];
    let mut many = Box::pin(scene.store.get_many(&keys));
    assert!(poll(&mut many).is_pending());
    gate.open();
    assert_eq!(value(block_on(lone)).as_deref(), Some("1"));
    let Poll::Ready(found) = poll(&mut many) else {
        panic!("everything it waits for is there");
    };
    assert!(found.unwrap().iter().all(Option::is_some));
}

#[test]
fn damage_to_one_key_does_not_reach_those_who_joined_for_another() {
    let scene = Scene::new();
    let batch = WriteBatch::new().put("k", "1").put("bad", "1");
    block_on(scene.store.commit(batch)).unwrap();
    let gate = Gate::new();
    scene
        .faults
        .inject(Rule::on(Call::GetMany), Fault::hold(&gate))
        .unwrap();
    let keys = ["bad".into(), "k".into()];
    let mut many = Box::pin(scene.store.get_many(&keys));
    assert!(poll(&mut many).is_pending());
    let other = reading(&scene);
    drop(many);
    assert_eq!(value(block_on(other)).as_deref(), Some("1"));
}
