//! Dictionaries that are missing, damaged, or not the ones they were.

use storage_compress::CompressConfig;
use storage_core::{
    Error, ErrorKind, KeyRange, ReadExt, RedactedKey, ScanOptions, Store, StoreExt,
    blocking::block_on,
};
use storage_testkit::json::Records;
use twox_hash::XxHash3_64;

use super::scene::key;
use crate::{forms, golden, scene::Scene};

/// A store with values of the namespace `accounts` that need dictionary 0.
fn trained() -> Scene {
    let scene = Scene::learning();
    let records = Records::new(1);
    scene.teach("accounts", || records.account());
    scene.fill("accounts", 3, || records.account());
    scene.put("other", records.account());
    scene
}

/// What reads of those values say, by a handle that has no dictionary in memory.
fn errors(scene: &Scene) -> Vec<Error> {
    let fresh = scene.beside(CompressConfig::new().dictionaries(None));
    let key = key("accounts", 0);
    let snapshot = block_on(fresh.store.snapshot()).unwrap();
    let scan = fresh.store.scan(KeyRange::all(), ScanOptions::new());
    vec![
        block_on(fresh.store.get(&key)).unwrap_err(),
        block_on(fresh.store.get_many(std::slice::from_ref(&key))).unwrap_err(),
        block_on(snapshot.get(&key)).unwrap_err(),
        block_on(scan.collect()).unwrap_err(),
    ]
}

#[track_caller]
fn assert_told(scene: &Scene, what: &str) {
    for error in errors(scene) {
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_eq!(error.layer(), Some("compress"));
        let message = error.message();
        assert!(
            message.contains("dictionary 0, which a value of the namespace `accounts` needs"),
            "{message}"
        );
        assert!(message.contains(what), "{message}");
    }
    // A check sees it even if the dictionary is in memory.
    let report = block_on(scene.store.check()).unwrap();
    assert_eq!(report.damages.len(), 1, "{report:?}");
    let damage = report.damages.first().unwrap();
    assert_eq!(
        damage.place,
        RedactedKey::from(golden::row_key(0).as_key()).to_string()
    );
    assert!(
        damage
            .detail
            .contains("dictionary 0, which a value of the namespace `accounts` needs"),
        "{damage:?}"
    );
    assert!(
        damage.detail.contains(what) && damage.detail.contains("values need it"),
        "{damage:?}"
    );
}

#[test]
fn a_dictionary_that_was_deleted_is_missed_by_name() {
    let scene = trained();
    assert_eq!(block_on(scene.store.check()).unwrap().damages, []);
    scene.delete_row(0);
    assert_told(&scene, "is missing");
    let fresh = scene.beside(CompressConfig::new());
    assert!(fresh.get("other").is_ok(), "what does not need it is read");
}

#[test]
fn a_dictionary_that_was_damaged_is_told_by_name() {
    let scene = trained();
    let mut row = scene.row(0).unwrap().to_vec();
    let middle = row.len() / 2;
    row[middle] ^= 1;
    scene.put_row(0, row);
    assert_told(&scene, "is damaged: its checksum is wrong");
}

/// Deleted keys of the layer itself are another matter than ranges that hold them.
#[test]
fn who_deletes_all_of_the_system_space_deletes_no_dictionary() {
    let scene = trained();
    let system = KeyRange::all().in_space(storage_core::Space::System);
    block_on(scene.store.delete_range(system)).unwrap();
    assert_eq!(scene.rows(), 1);
}

#[test]
fn another_dictionary_with_the_same_id_makes_no_other_value() {
    let scene = trained();
    let other = Scene::learning();
    let records = Records::new(99);
    other.teach("accounts", || records.account());
    scene.put_row(0, other.row(0).unwrap());
    let fresh = scene.beside(CompressConfig::new());
    let error = block_on(fresh.store.get(&key("accounts", 0))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let report = block_on(fresh.store.check()).unwrap();
    assert_eq!(report.damages.len(), 3, "each value that was made with it");
}

/// Of a short row, each other value of each byte is tried where rows are read.
#[test]
fn a_changed_byte_of_a_row_is_found_wherever_it_is() {
    let (_, form, value) = forms::golden().pop().unwrap();
    let row = golden::row();
    let scene = Scene::new();
    scene.put_row(0, row.clone());
    let reader = || scene.beside(CompressConfig::new().dictionaries(None));
    scene.put_form("k", form);
    assert_eq!(reader().get("k").unwrap().unwrap(), value);
    // It never gets a dictionary into memory.
    let reader = reader();
    for at in 0..row.len() {
        for mask in [0x01, 0x80, 0xFF] {
            let mut damaged = row.clone();
            damaged[at] ^= mask;
            scene.put_row(0, damaged);
            let error = reader.get("k").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}, {mask}");
        }
    }
}

#[test]
fn a_dictionary_that_the_codec_does_not_understand_is_corrupt() {
    let magic = 0xEC30_A437_u32.to_le_bytes();
    let mut row = [&[1, 0][..], &magic, &[7; 60]].concat();
    let hash = XxHash3_64::oneshot(&row);
    row.extend_from_slice(&hash.to_be_bytes());
    let scene = Scene::new();
    scene.put_row(0, row);
    let body = [4, 0, 100, 1, 2, 3];
    let checksum = XxHash3_64::oneshot_with_seed(hash, &body).to_be_bytes();
    let complaint = scene
        .complaint([&body[..], &checksum[4..]].concat())
        .unwrap();
    assert!(
        complaint.contains("its codec does not understand it"),
        "{complaint}"
    );
    // Values are compressed without it.
    let again = scene.beside(CompressConfig::new());
    again.put("k", "v".repeat(100));
    assert_eq!(again.form("k")[0], 1);
}
