//! Ends of processes, stores and futures around the making of a dictionary.

use std::pin::pin;

use storage_compress::CompressConfig;
use storage_core::{Components, Store, StoreExt, blocking::block_on, memory::MemoryConfig};
use storage_testkit::json::Records;

use super::scene::{key, quick};
use crate::{
    scene::{Held, Scene},
    working::is_pending,
};

fn learning() -> CompressConfig {
    CompressConfig::new().dictionaries(Some(quick()))
}

/// A store with a dictionary to make, which its pool does not do yet.
fn about_to_train() -> (Scene, &'static Held, Records) {
    let held: &'static Held = Box::leak(Box::default());
    let scene = Scene::over(
        MemoryConfig::new().open(),
        learning(),
        Components::default().with_executor(held),
    );
    let records = Records::new(1);
    scene.fill("", 256, || records.account());
    assert_eq!(held.0.lock().unwrap().len(), 1, "the training");
    (scene, held, records)
}

/// All that the layer has is in the store below: dropping what is in memory is a crash.
#[test]
fn a_crash_before_the_dictionary_is_stored_leaves_a_store_without() {
    let (scene, held, records) = about_to_train();
    held.0.lock().unwrap().clear();
    let again = scene.beside(CompressConfig::new());
    assert_eq!(again.rows(), 0);
    assert_eq!(block_on(again.store.check()).unwrap().damages, []);
    again.put("k", records.account());
    assert!(again.get("k").is_ok());
}

#[test]
fn a_crash_between_training_and_the_first_use_leaves_a_dictionary_that_is_used() {
    let (scene, held, records) = about_to_train();
    held.do_all();
    assert_eq!(scene.rows(), 1);
    let below = scene.below.clone();
    drop(scene);
    let again = Scene::over(below, CompressConfig::new(), Components::default());
    assert_eq!(block_on(again.store.check()).unwrap().damages, []);
    again.put("k", records.account());
    assert_eq!(again.form("k")[..2], [4, 0]);
}

#[test]
fn a_crash_after_the_first_use_leaves_values_that_any_settings_read() {
    let (scene, held, records) = about_to_train();
    held.do_all();
    let used = [records.account(), records.account()];
    for (key, record) in ["k", "l"].into_iter().zip(&used) {
        scene.put(key, record.clone());
        assert_eq!(scene.form(key)[..2], [4, 0]);
    }
    let below = scene.below.clone();
    drop(scene);
    for config in [
        CompressConfig::new().dictionaries(None),
        learning(),
        CompressConfig::new(),
    ] {
        let again = Scene::over(below.clone(), config, Components::default());
        for (key, record) in ["k", "l"].into_iter().zip(&used) {
            assert_eq!(again.get(key).unwrap().unwrap(), record);
        }
        assert_eq!(block_on(again.store.check()).unwrap().damages, []);
        again.put("m", records.account());
        assert!(again.get("m").is_ok());
        assert_eq!(again.rows(), 1);
    }
}

#[test]
fn no_value_refers_to_a_dictionary_before_its_row_is_there() {
    let (scene, held, records) = about_to_train();
    scene.fill("", 300, || records.account());
    for number in 0..300 {
        assert_ne!(scene.form_in("", number)[0], 4);
    }
    assert_eq!(scene.rows(), 0);
    held.do_all();
    scene.put("k", records.account());
    assert_eq!(scene.form("k")[0], 4);
}

#[test]
fn a_store_that_is_dropped_meanwhile_is_let_go() {
    let (scene, held, _) = about_to_train();
    let Scene { store, below } = scene;
    drop(store);
    held.do_all();
    let again = Scene::over(below, CompressConfig::new(), Components::default());
    assert_eq!(again.rows(), 0);
}

#[test]
fn closing_waits_for_the_dictionary_that_is_being_made() {
    let (scene, held, _) = about_to_train();
    let mut closing = pin!(scene.store.close());
    assert!(is_pending(closing.as_mut()));
    assert_eq!(held.0.lock().unwrap().len(), 1, "it closes already");
    held.do_all();
    assert_eq!(scene.rows(), 1);
}

#[test]
fn a_commit_that_is_dropped_leaves_the_training_that_it_began() {
    let held: &'static Held = Box::leak(Box::default());
    let scene = Scene::over(
        MemoryConfig::new().open(),
        learning(),
        Components::default().with_executor(held),
    );
    let records = Records::new(2);
    scene.fill("", 255, || records.account());
    let mut last = Box::pin(scene.store.put(key("", 255), records.account()));
    let _ = is_pending(last.as_mut());
    drop(last);
    held.do_all();
    assert_eq!(scene.rows(), 1);
}
