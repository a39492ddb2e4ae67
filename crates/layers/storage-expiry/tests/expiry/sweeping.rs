//! Removing what has expired, and nothing else.

use std::time::Duration;

use storage_core::{
    ErrorKind, ReadExt, Store, StoreExt, SystemKeys, Timestamp, blocking::block_on,
};
use storage_expiry::{ExpiryConfig, Sweep};
use storage_testkit::{
    faulty::{Call, Fault, Gate, Rule},
    wait_for,
};

use crate::scene::{START, Scene};

#[test]
fn what_has_expired_is_removed_with_its_rows() {
    let scene = Scene::new();
    for number in 0..1_000 {
        scene.put_for(&format!("{number:03}"), 1 + number % 10);
    }
    block_on(scene.store.put("kept", "v")).unwrap();
    assert_eq!(scene.sweep(), 0);
    scene.pass(5);
    assert_eq!(
        block_on(scene.store.scan_prefix("").collect())
            .unwrap()
            .len(),
        501
    );
    assert_eq!((scene.kept(), scene.rows()), (1_001, 1_000));
    assert_eq!(scene.sweep(), 500);
    assert_eq!((scene.kept(), scene.rows()), (501, 500));
    let stats = scene.stats();
    assert_eq!((stats.swept, stats.stale, stats.rounds), (500, 0, 2));
    assert_eq!(stats.lag, Duration::from_secs(4));
    scene.pass(5);
    assert_eq!(scene.sweep(), 500);
    assert_eq!((scene.kept(), scene.rows()), (1, 0));
}

#[test]
fn an_entry_that_was_put_anew_stays() {
    let scene = Scene::new();
    for key in ["for good", "for longer", "deleted"] {
        scene.put_for(key, 1);
    }
    block_on(scene.store.put("for good", "new")).unwrap();
    scene.put_for("for longer", 10);
    block_on(scene.store.delete("deleted")).unwrap();
    scene.pass(1);
    scene.sweep();
    let stats = scene.stats();
    assert_eq!((stats.stale, stats.swept), (2, 1));
    assert_eq!((scene.kept(), scene.rows()), (2, 1));
    assert!(block_on(scene.store.exists("for good")).unwrap());
    assert!(block_on(scene.store.exists("for longer")).unwrap());
}

/// Else nothing would remove the entry, ever.
#[test]
fn the_row_of_an_entry_that_lives_again_stays() {
    let scene = Scene::new();
    scene.put_for("a", 10);
    scene.pass(10);
    // Between the look at the rows and the look at the entries.
    let gate = Gate::new();
    let looks = Rule::on(Call::GetMany).nth(1);
    scene.faults.inject(looks, Fault::hold(&gate)).unwrap();
    let control = scene.control().clone();
    let sweeping = std::thread::spawn(move || block_on(control.sweep_now()).unwrap());
    block_on(gate.wait_for_arrival());
    scene.clock.set_to(Timestamp::from_unix_milliseconds(START));
    gate.open();
    assert_eq!(sweeping.join().unwrap(), 0);
    assert_eq!((scene.kept(), scene.rows(), scene.stats().stale), (1, 1, 0));
    scene.pass(10);
    assert_eq!(scene.sweep(), 1);
    assert_eq!((scene.kept(), scene.rows()), (0, 0));
}

#[test]
fn an_entry_that_is_put_while_it_is_swept_stays() {
    let scene = Scene::new();
    scene.put_for("a", 1);
    scene.put_for("b", 1);
    scene.pass(1);
    // Between the sweeper's look at the entries and its commit.
    let gate = Gate::new();
    scene
        .faults
        .inject(Rule::on(Call::Commit).nth(1), Fault::hold(&gate))
        .unwrap();
    let control = scene.control().clone();
    let sweeping = std::thread::spawn(move || block_on(control.sweep_now()).unwrap());
    block_on(gate.wait_for_arrival());
    block_on(scene.below.put("b", "new")).unwrap();
    gate.open();
    assert_eq!(sweeping.join().unwrap(), 1);
    assert_eq!(scene.stats().overtaken, 1);
    assert!(block_on(scene.store.exists("b")).unwrap());
    assert_eq!((scene.kept(), scene.rows()), (1, 1));
    assert_eq!(scene.sweep(), 0);
    assert_eq!((scene.kept(), scene.rows(), scene.stats().stale), (1, 0, 1));
}

#[test]
fn what_is_damaged_is_skipped_and_the_rest_is_swept() {
    let scene = Scene::new();
    for number in 0..40 {
        scene.put_for(&format!("{number:02}"), 1);
    }
    let row = SystemKeys::of("expiry").key(&b"\x01\0"[..]);
    block_on(scene.below.put(&row, "")).unwrap();
    scene.pass(1);
    let fault = || Fault::refuse(ErrorKind::Corrupt);
    for call in [Call::Get, Call::GetMany] {
        let rule = Rule::on(call).key("07");
        scene.faults.inject(rule, fault()).unwrap();
    }
    assert_eq!(scene.sweep(), 39);
    assert_eq!((scene.kept(), scene.rows()), (1, 2));
    assert_eq!((scene.stats().skipped, scene.stats().rounds), (2, 1));
    assert!(!block_on(scene.store.health()).unwrap().is_well());
    scene.faults.withdraw_all();
    block_on(scene.below.delete(&row)).unwrap();
    assert_eq!(scene.sweep(), 1);
    assert!(block_on(scene.store.health()).unwrap().is_well());
}

#[test]
fn a_failed_round_is_an_issue_until_one_succeeds() {
    let scene = Scene::new();
    scene.put_for("a", 1);
    scene.pass(1);
    let fault = Fault::refuse(ErrorKind::Unavailable);
    scene.faults.inject(Rule::on(Call::Commit), fault).unwrap();
    let error = block_on(scene.control().sweep_now()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!block_on(scene.store.health()).unwrap().is_well());
    scene.faults.withdraw_all();
    assert_eq!(scene.sweep(), 1);
    assert!(block_on(scene.store.health()).unwrap().is_well());
}

#[test]
fn the_thread_sweeps_and_ends_when_the_store_is_closed() {
    let config = ExpiryConfig::new()
        .sweep_every(Duration::from_millis(1))
        .sweep_pause(Duration::ZERO);
    let scene = Scene::with(config);
    scene.put_for("a", 1);
    scene.pass(1);
    wait_for("a sweep", || scene.kept() == 0);
    block_on(scene.store.close()).unwrap();
    let rounds = scene.stats().rounds;
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(scene.stats().rounds, rounds);
    let error = block_on(scene.control().sweep_now()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn the_thread_begins_with_a_round() {
    let scene = Scene::with(ExpiryConfig::new().sweep_every(Duration::from_hours(1)));
    wait_for("a round", || scene.stats().rounds > 0);
}

#[test]
fn without_rows_nothing_is_swept() {
    let scene = Scene::with(ExpiryConfig::new().sweep(Sweep::Never));
    scene.put_for("a", 1);
    scene.pass(1);
    assert!(!block_on(scene.store.exists("a")).unwrap());
    assert_eq!((scene.kept(), scene.rows()), (1, 0));
    let error = block_on(scene.control().sweep_now()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(scene.store.capabilities(), scene.below.capabilities());
}
