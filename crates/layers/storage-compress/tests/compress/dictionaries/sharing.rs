//! Several handles of one store, and snapshots.

use std::{sync::Barrier, thread};

use storage_compress::CompressConfig;
use storage_core::{ReadExt, Store, StoreExt, blocking::block_on};
use storage_testkit::json::Records;

use super::scene::{key, quick};
use crate::scene::Scene;

fn learning() -> CompressConfig {
    CompressConfig::new().dictionaries(Some(quick()))
}

fn reading() -> CompressConfig {
    CompressConfig::new().dictionaries(None)
}

#[test]
fn a_handle_reads_what_another_made_with_a_dictionary_that_it_had_not_met() {
    let scene = Scene::learning();
    let other = scene.beside(reading());
    let records = Records::new(1);
    scene.teach("", || records.account());
    let record = records.account();
    scene.put("k", record.clone());
    assert_eq!(scene.form("k")[0], 4);
    assert_eq!(other.stats().dictionaries.known, 0);
    assert_eq!(other.get("k").unwrap().unwrap(), record);
    assert_eq!(other.stats().dictionaries.known, 1);
    // From then on it is in memory.
    scene.delete_row(0);
    assert_eq!(other.get("k").unwrap().unwrap(), record);
}

#[test]
fn many_values_and_pages_load_what_they_need() {
    let scene = Scene::learning();
    let records = Records::new(2);
    scene.teach("", || records.account());
    scene.teach("b", || records.order());
    scene.fill("", 3, || records.account());
    scene.fill("b", 3, || records.order());
    let many = scene.beside(reading());
    let keys = [key("", 0), key("b", 0)];
    let found = block_on(many.store.get_many(&keys)).unwrap();
    assert!(found.iter().all(Option::is_some));
    assert_eq!(many.stats().dictionaries.known, 2);
    let pages = scene.beside(reading());
    let all = pages.store.scan(
        storage_core::KeyRange::all(),
        storage_core::ScanOptions::new(),
    );
    assert!(block_on(all.collect()).unwrap().len() > 100);
    assert_eq!(pages.stats().dictionaries.known, 2);
}

#[test]
fn a_snapshot_has_the_dictionaries_that_its_values_need() {
    let scene = Scene::learning();
    let records = Records::new(3);
    scene.teach("", || records.account());
    let record = records.account();
    scene.put("k", record.clone());
    let other = scene.beside(reading());
    let snapshot = block_on(other.store.snapshot()).unwrap();
    // The store has it no more, the snapshot has.
    scene.delete_row(0);
    let entry = block_on(snapshot.get("k")).unwrap().unwrap();
    assert_eq!(entry.value(), record.as_bytes());
}

#[test]
fn a_dictionary_is_used_from_the_first_value_on_when_a_store_is_opened_again() {
    let scene = Scene::learning();
    let records = Records::new(4);
    scene.teach("a", || records.account());
    let again = scene.beside(CompressConfig::new());
    again.fill("a", 1, || records.account());
    assert_eq!(scene.form_in("a", 0)[..2], [4, 0]);
}

/// Whoever comes second uses what the first has made.
#[test]
fn handles_that_train_at_once_agree() {
    const HANDLES: u64 = 3;
    for round in 0..20 {
        let scene = Scene::with(reading());
        let barrier = Barrier::new(usize::try_from(HANDLES).unwrap());
        let handles: Vec<_> = (0..HANDLES).map(|_| scene.beside(learning())).collect();
        thread::scope(|scope| {
            for (number, handle) in handles.iter().enumerate() {
                let barrier = &barrier;
                scope.spawn(move || {
                    let number = u64::try_from(number).unwrap();
                    let records = Records::new(round * HANDLES + number);
                    let namespace = format!("{number}");
                    barrier.wait();
                    handle.fill("shared", 256, || records.account());
                    handle.fill(&namespace, 256, || records.order());
                });
            }
        });
        assert_eq!(scene.rows(), 1 + handles.len(), "one of each namespace");
        let writer = scene.beside(learning());
        let records = Records::new(round);
        writer.fill("shared", 10, || records.account());
        let check = block_on(scene.store.check()).unwrap();
        assert_eq!(check.damages, []);
    }
}
