//! When dictionaries are made, and for which values they are used.

use storage_compress::{Codec, CompressConfig, DictionaryConfig};
use storage_core::{ReadExt, StoreExt, SystemKeys, blocking::block_on};
use storage_testkit::json::Records;

use super::scene::{key, quick};
use crate::scene::{Scene, noise};

/// The method of forms that are made with a dictionary.
const TRAINED: u8 = 4;

#[test]
fn each_namespace_gets_a_dictionary_of_its_own() {
    let scene = Scene::learning();
    let records = Records::new(1);
    scene.teach("accounts", || records.account());
    scene.teach("orders", || records.order());
    assert_eq!(scene.rows(), 2);
    for (namespace, id, value) in [
        ("accounts", 0, records.account()),
        ("orders", 1, records.order()),
    ] {
        scene.fill(namespace, 1, || value.clone());
        assert_eq!(scene.form_in(namespace, 0)[..2], [TRAINED, id]);
        let entry = block_on(scene.store.get(&key(namespace, 0)))
            .unwrap()
            .unwrap();
        assert_eq!(entry.value(), value.as_bytes());
    }
    scene.put("elsewhere", records.account());
    assert_ne!(scene.form("elsewhere")[0], TRAINED);
}

#[test]
fn values_that_no_dictionary_is_for_are_compressed_as_ever() {
    let records = Records::new(2);
    let scene = Scene::learning_with(quick().value_bytes(100, 1_000));
    scene.teach("", || records.account());
    scene.put("short", "a".repeat(99));
    scene.put("long", "a".repeat(1_001));
    let other = SystemKeys::of("dedup").key("row");
    block_on(scene.store.put(&other, records.account())).unwrap();
    assert_eq!((scene.form("short")[0], scene.form("long")[0]), (1, 1));
    let of_a_layer = block_on(scene.below.get(&other)).unwrap().unwrap();
    assert_ne!(of_a_layer.value()[0], TRAINED);
}

#[test]
fn settings_without_dictionaries_and_other_codecs_make_none() {
    let records = Records::new(3);
    let quick = CompressConfig::new().dictionaries(Some(quick()));
    for config in [
        CompressConfig::new().dictionaries(None),
        quick.clone().codec(Codec::Lz4),
        quick.codec(Codec::None),
    ] {
        let scene = Scene::at_once(config);
        scene.fill("", 1_100, || records.account());
        assert_eq!((scene.rows(), scene.stats().dictionaries.trainings), (0, 0));
    }
}

#[test]
fn what_has_nothing_in_common_gets_no_dictionary_and_is_seldom_tried() {
    let scene = Scene::learning();
    for number in 0..2_000 {
        scene.put(&number.to_string(), noise(number, 200));
    }
    let stats = scene.stats();
    assert_eq!((scene.rows(), stats.dictionaries.trainings), (0, 1));
    assert!(stats.skipped > 1_700, "{stats:?}");
}

#[test]
fn records_that_change_get_another_dictionary_and_the_old_ones_are_read() {
    let scene = Scene::learning_with(quick().look_every(300));
    let records = Records::new(4);
    let old = records.account();
    scene.teach("", || records.account());
    scene.put("old", old.clone());
    scene.fill("", 2_000, || records.account());
    assert_eq!(scene.rows(), 1, "it does as well as it did");
    scene.teach("", || records.order());
    scene.put("new", records.order());
    assert_eq!((scene.form("old")[1], scene.form("new")[1]), (0, 1));
    assert_eq!(scene.get("old").unwrap().unwrap(), old);
}

#[test]
fn a_namespace_and_a_store_get_so_many_and_no_more() {
    let records = Records::new(5);
    let learning = || CompressConfig::new().dictionaries(Some(quick().look_every(300)));
    for (namespace, ids) in [("a", 8), ("b", 128)] {
        let scene = Scene::learning();
        scene.teach("a", || records.account());
        let row = scene.row(0).unwrap();
        (1..ids).for_each(|id| scene.put_row(id, row.clone()));
        let full = scene.beside(learning());
        full.fill(namespace, 700, || records.account());
        full.fill(namespace, 1_400, || records.order());
        assert!(full.stats().dictionaries.trainings > 0);
        assert_eq!(scene.rows(), usize::from(ids));
    }
}

#[test]
fn settings_beyond_their_bounds_are_refused() {
    let config = DictionaryConfig::new().samples(1, 1);
    let opening = storage_core::Stack::on(storage_core::memory::MemoryConfig::new().open())
        .with(storage_compress::CompressLayer::new(
            CompressConfig::new().dictionaries(Some(config)),
        ))
        .open();
    let error = block_on(opening).unwrap_err();
    assert_eq!(error.kind(), storage_core::ErrorKind::Invalid);
}
