//! What the collector removes, and what it does not.

use std::{
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

use storage_core::{ErrorKind, OwnedKey, ReadExt, Store, StoreExt, WriteBatch, blocking::block_on};
use storage_dedup::{CollectConfig, DedupControl};
use storage_testkit::{
    faulty::{Call, Fault, Gate, Rule},
    wait_for,
};

use crate::scene::{GRACE, Scene, config, noise};

#[test]
fn a_chunk_that_nobody_refers_to_is_removed_after_the_grace() {
    let scene = Scene::new();
    scene.put("gone", noise(1, 500));
    scene.put("kept", noise(2, 500));
    scene.delete("gone");
    let first = scene.collect();
    assert_eq!(
        (first.condemned, first.removed, first.stale_hints),
        (1, 0, 1)
    );
    assert_eq!((first.pending_chunks, first.pending_bytes), (1, 500));
    assert_eq!((first.live_chunks, first.live_bytes), (1, 500));
    scene
        .clock
        .advance(GRACE.saturating_sub(Duration::from_millis(1)));
    assert_eq!(scene.collect().removed, 0);
    assert_eq!(scene.chunks(), 2);
    scene.clock.advance(Duration::from_millis(1));
    let last = scene.collect();
    assert_eq!(
        (last.removed, last.removed_bytes, last.pending_bytes),
        (1, 500, 0)
    );
    assert_eq!(
        (scene.chunks(), scene.rows("l").len(), scene.rows("m").len()),
        (1, 1, 0)
    );
    assert_eq!(scene.rows("r").len(), 1);
    assert_eq!(scene.stats().last_pass, Some(last));
    scene.assert_sound();
}

#[test]
fn overwriting_and_range_deletes_leave_chunks_to_the_collector() {
    let scene = Scene::new();
    for key in ["a", "b", "c"] {
        scene.put(key, noise(1, 500));
        scene.put(key, noise(2, 500));
    }
    let all = storage_core::KeyRange::between("b"..);
    block_on(scene.store.delete_range(all)).unwrap();
    let report = scene.collect();
    assert_eq!((report.condemned, report.stale_hints), (1, 5));
    scene.clock.advance(GRACE);
    scene.collect();
    assert_eq!(scene.chunks(), 1);
    assert_eq!(scene.get("a").unwrap().unwrap(), noise(2, 500));
    scene.assert_sound();
}

#[test]
fn a_condemned_chunk_that_is_written_again_stays() {
    for remembered in [0, 100] {
        let scene = Scene::with(config().known_max(remembered));
        scene.put("a", noise(1, 500));
        scene.delete("a");
        assert_eq!(scene.collect().condemned, 1);
        scene.put("b", noise(1, 500));
        assert_eq!(scene.rows("m").len(), 0);
        scene.clock.advance(GRACE);
        assert_eq!(scene.collect().removed, 0);
        assert_eq!(scene.get("b").unwrap().unwrap(), noise(1, 500));
        scene.assert_sound();
    }
}

/// A reference that was written while the collector made up its mind.
#[test]
fn a_condemned_chunk_that_somebody_refers_to_is_pardoned() {
    let scene = Scene::new();
    scene.put("a", noise(1, 500));
    let (row, hint) = (scene.row("a"), scene.rows("r").remove(0).0);
    scene.delete("a");
    scene.collect();
    // As if it had been written before the chunk was condemned.
    scene.put_row("a", row);
    scene.put_row(Scene::own_key("r", &hint), "");
    scene.assert_sound();
    scene.clock.advance(GRACE);
    let report = scene.collect();
    assert_eq!((report.pardoned, report.removed), (1, 0));
    scene.assert_sound();
    assert_eq!((scene.rows("l").len(), scene.rows("m").len()), (1, 0));
    assert_eq!(scene.get("a").unwrap().unwrap(), noise(1, 500));
}

#[test]
fn chunks_of_expired_rows_are_removed_and_of_others_are_not() {
    let scene = Scene::new();
    let second = Duration::from_secs(1);
    block_on(scene.store.put_for("soon", noise(1, 500), second)).unwrap();
    block_on(scene.store.put_for("late", noise(2, 500), 100 * GRACE)).unwrap();
    assert_eq!(scene.collect().condemned, 0);
    scene.clock.advance(second);
    assert_eq!(scene.get("soon").unwrap(), None);
    assert_eq!(scene.collect().condemned, 1);
    scene.clock.advance(GRACE);
    assert_eq!(scene.collect().removed, 1);
    let entry = block_on(scene.store.get("late")).unwrap().unwrap();
    assert_eq!(entry.value(), &noise(2, 500));
    assert!(entry.expires().is_some());
    scene.assert_sound();
}

#[test]
fn more_chunks_and_hints_than_fit_into_a_page_are_collected() {
    let scene = Scene::new();
    for number in 0..700 {
        scene.put(&format!("{number:03}"), noise(number, 64));
        scene.put(&format!("{number:03}/again"), noise(number % 2, 64));
    }
    for number in (0..700).filter(|number| number % 2 == 1) {
        scene.delete(&format!("{number:03}"));
    }
    let report = scene.collect();
    assert_eq!((report.condemned, report.live_chunks), (349, 351));
    assert_eq!(report.referring_bytes, (350 + 700) * 64);
    assert_eq!(report.stale_hints, 350);
    scene.clock.advance(GRACE);
    assert_eq!(scene.collect().removed, 349);
    assert_eq!(scene.chunks(), 351);
    scene.assert_sound();
}

#[test]
fn a_row_that_cannot_be_read_keeps_its_chunk() {
    let scene = Scene::new();
    scene.put("a", noise(1, 500));
    let row = scene.row("a");
    scene.put_row("a", "damaged");
    scene.collect();
    scene.clock.advance(GRACE);
    assert_eq!(scene.collect().removed, 0);
    scene.put_row("a", row);
    assert_eq!(scene.get("a").unwrap().unwrap(), noise(1, 500));
}

/// Passes in the background that come soon and hurry.
fn often() -> CollectConfig {
    CollectConfig::new()
        .every(Duration::from_millis(1))
        .grace(GRACE)
        .chunks_per_second_max(u32::MAX)
}

#[test]
fn passes_in_the_background_begin_by_themselves_and_end_with_the_store() {
    let scene = Scene::with(config().collect(often().grace(Duration::ZERO)));
    scene.put("a", noise(1, 500));
    scene.delete("a");
    wait_for("a collection", || scene.chunks() == 0);
    let control = scene.control().clone();
    block_on(scene.store.close()).unwrap();
    let passes = control.stats().passes;
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(control.stats().passes, passes);
    let error = block_on(control.collect_now()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn passes_in_the_background_keep_to_their_pace() {
    let scene = Scene::with(config().collect(often().chunks_per_second_max(1)));
    let gate = Gate::new();
    let hold = Fault::hold(&gate);
    scene.faults.inject(Rule::on(Call::Scan), hold).unwrap();
    for number in 0..300 {
        scene.put(&format!("{number}"), noise(number, 64));
        scene.delete(&format!("{number}"));
    }
    gate.open();
    let condemned = || scene.rows("m").len();
    // As many as are judged together; a second for each goes by before the next.
    wait_for("condemnations", || condemned() == 256);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(condemned(), 256);
    // Which nobody who closes the store waits for.
    block_on(scene.store.close()).unwrap();
}

/// Holds the next scan that reads `key` until the gate is opened.
fn hold_scan(scene: &Scene, key: OwnedKey) -> Gate {
    let gate = Gate::new();
    let hold = Fault::hold(&gate);
    let scans = Rule::on(Call::Scan).key(key);
    scene.faults.inject(scans, hold).unwrap();
    gate
}

/// Closes the store while a scan waits at `gate`, after which no other is made.
fn assert_close_waits_for(scene: &Scene, gate: &Gate) {
    block_on(gate.wait_for_arrival());
    let scans = scene.faults.calls(Call::Scan);
    let mut close = pin!(scene.store.close());
    let mut context = Context::from_waker(Waker::noop());
    assert!(close.as_mut().poll(&mut context).is_pending());
    gate.open();
    block_on(close).unwrap();
    assert_eq!(scene.faults.calls(Call::Scan), scans);
}

#[test]
fn a_close_waits_for_some_hints_of_a_chunk_and_not_for_all() {
    let scene = Scene::with(config().collect(often()));
    for number in 0..1_000 {
        scene.put(&format!("{number}"), noise(1, 64));
    }
    let (hint, _) = scene.rows("r").remove(0);
    let gate = hold_scan(&scene, Scene::own_key("r", &hint));
    assert_close_waits_for(&scene, &gate);
}

#[test]
fn a_close_waits_for_one_look_at_condemned_chunks_and_not_for_all() {
    let scene = Scene::with(config().collect(often()));
    for number in 0..100 {
        scene.put(&format!("{number}"), noise(number, 64));
        scene.delete(&format!("{number}"));
    }
    wait_for("condemnations", || scene.rows("m").len() == 100);
    let (hash, _) = scene.rows("m").remove(0);
    // What follows in this pass reads no hints but those of each chunk.
    let rows = hold_scan(&scene, Scene::own_key("m", &hash));
    block_on(rows.wait_for_arrival());
    scene.clock.advance(GRACE);
    let look = hold_scan(&scene, Scene::own_key("r", &[&hash[..], b"hint"].concat()));
    rows.open();
    assert_close_waits_for(&scene, &look);
}

#[test]
fn controls_do_not_keep_the_store() {
    let scene = Scene::new();
    let control: DedupControl = scene.control().clone();
    drop(scene);
    let error = block_on(control.collect_now()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn a_hint_of_a_key_that_was_written_anew_goes_only_if_it_leads_nowhere() {
    let scene = Scene::new();
    scene.put("k", noise(1, 500));
    scene.put("k", noise(2, 500));
    scene.put("k", noise(1, 500));
    let report = scene.collect();
    assert_eq!(
        (report.stale_hints, report.condemned, report.live_chunks),
        (1, 1, 1)
    );
    let batch = WriteBatch::new().put("k", "short");
    block_on(scene.store.commit(batch)).unwrap();
    assert_eq!(scene.collect().stale_hints, 1);
    assert!(block_on(scene.store.exists("k")).unwrap());
}
