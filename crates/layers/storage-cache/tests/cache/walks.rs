//! Reads that walk through keys in order.

use storage_cache::CacheConfig;
use storage_core::{ErrorKind, KeyRange, ReadExt, StoreExt, WriteBatch, blocking::block_on};
use storage_testkit::faulty::{Call, Fault, Gate, Rule};

use crate::scene::{Scene, poll};

fn key(number: u32) -> String {
    format!("row/{number:04}")
}

fn filled(config: CacheConfig, rows: u32) -> Scene {
    let scene = Scene::with(config);
    let batch = (0..rows).fold(WriteBatch::new(), |batch, number| {
        batch.put(key(number), number.to_string())
    });
    block_on(scene.store.commit(batch)).unwrap();
    scene
}

#[test]
fn a_walk_reads_pages_in_place_of_keys() {
    let scene = filled(CacheConfig::exclusive(1 << 20).read_ahead_entries(32), 200);
    let scans = scene.faults.calls(Call::Scan);
    let reads = scene.reads_during(|| {
        for number in 0..200 {
            assert_eq!(scene.get(&key(number)), Some(number.to_string()));
        }
        assert_eq!(scene.get(&key(200)), None);
    });
    // Two keys, pages of 32, and the absent key behind them.
    assert_eq!(reads, 2 + 198_u64.div_ceil(32) + 1);
    assert!(scene.faults.calls(Call::Scan) > scans);
    assert!(scene.stats().memory.read_ahead > 150);
}

#[test]
fn nothing_is_read_ahead_where_that_is_off_or_keys_are_far_apart() {
    let scene = filled(CacheConfig::exclusive(1 << 20).read_ahead_entries(0), 50);
    (0..50).for_each(|number| drop(scene.get(&key(number))));
    assert_eq!(scene.stats().memory.read_ahead, 0);
    let scene = filled(CacheConfig::exclusive(1 << 20), 50);
    (0..50)
        .rev()
        .for_each(|number| drop(scene.get(&key(number))));
    assert_eq!(scene.stats().memory.read_ahead, 0);
}

#[test]
fn a_page_that_fails_is_made_up_for_by_a_read() {
    let scene = filled(CacheConfig::exclusive(1 << 20), 10);
    let refusal = Fault::refuse(ErrorKind::Unavailable);
    scene.faults.inject(Rule::on(Call::Scan), refusal).unwrap();
    for number in 0..10 {
        assert_eq!(scene.get(&key(number)), Some(number.to_string()));
    }
}

#[test]
fn what_was_read_ahead_is_not_kept_if_a_commit_came_between() {
    let scene = filled(CacheConfig::exclusive(1 << 20), 50);
    let gate = Gate::new();
    scene
        .faults
        .inject(Rule::on(Call::Scan).nth(1), Fault::hold_answer(&gate))
        .unwrap();
    scene.get(&key(0));
    scene.get(&key(1));
    let third = key(2);
    let mut walking = Box::pin(scene.store.get(&third));
    assert!(poll(&mut walking).is_pending());
    scene.put(&key(7), "new");
    gate.open();
    assert!(poll(&mut walking).is_ready());
    assert_eq!(scene.stats().memory.read_ahead, 0);
    assert_eq!(scene.get(&key(7)).as_deref(), Some("new"));
}

#[test]
fn nor_is_it_while_a_range_delete_is_under_way() {
    let scene = filled(CacheConfig::exclusive(1 << 20), 50);
    let gate = Gate::new();
    let hold = Fault::hold(&gate);
    scene
        .faults
        .inject(Rule::on(Call::Commit).nth(1), hold)
        .unwrap();
    let range = KeyRange::between(key(5)..key(9));
    let mut deleting = Box::pin(scene.store.delete_range(range));
    assert!(poll(&mut deleting).is_pending());
    (0..4).for_each(|number| drop(scene.get(&key(number))));
    assert!(scene.stats().memory.read_ahead > 20);
    gate.open();
    block_on(deleting).unwrap();
    assert_eq!(scene.get(&key(7)), None);
    assert_eq!(scene.get(&key(9)).as_deref(), Some("9"));
}

#[test]
fn nor_is_it_if_a_commit_that_had_begun_before_ended_meanwhile() {
    let scene = filled(CacheConfig::exclusive(1 << 20), 50);
    let [commit, scan] = [Gate::new(), Gate::new()];
    for (call, fault) in [
        (Call::Commit, Fault::hold(&commit)),
        (Call::Scan, Fault::hold_answer(&scan)),
    ] {
        scene.faults.inject(Rule::on(call).nth(1), fault).unwrap();
    }
    let changed = key(7);
    let mut putting = Box::pin(scene.store.put(&changed, "new"));
    assert!(poll(&mut putting).is_pending());
    scene.get(&key(0));
    scene.get(&key(1));
    let third = key(2);
    let mut walking = Box::pin(scene.store.get(&third));
    assert!(poll(&mut walking).is_pending());
    commit.open();
    block_on(putting).unwrap();
    scan.open();
    assert!(poll(&mut walking).is_ready());
    assert_eq!(scene.get(&changed).as_deref(), Some("new"));
}
