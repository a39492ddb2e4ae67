//! Forms that are not what was written.

use storage_compress::{Codec, CompressConfig, CompressLayer};
use storage_core::{
    Key, RedactedKey, Space, Stack, Store, StoreExt, blocking::block_on, memory::MemoryConfig,
};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Rule};
use twox_hash::XxHash3_64;

use crate::{
    forms::{golden, golden_scene},
    scene::Scene,
};

/// A form that says of itself that it is sound. Those with a dictionary are made with the
/// golden one.
pub(crate) fn signed(body: &[u8]) -> Vec<u8> {
    let seed = match body {
        [4, 0, ..] => *crate::golden::row().last_chunk().unwrap(),
        _ => [0; 8],
    };
    let checksum = XxHash3_64::oneshot_with_seed(u64::from_be_bytes(seed), body).to_be_bytes();
    [body, &checksum[4..]].concat()
}

/// Of every byte of every golden form, every other value is tried.
#[test]
fn a_changed_byte_is_found_wherever_it_is() {
    let scene = golden_scene();
    for (name, form, _) in golden() {
        for at in 0..form.len() {
            let mut damaged = form.clone();
            for _ in 0..u8::MAX {
                damaged[at] = damaged[at].wrapping_add(1);
                let found = scene.complaint(damaged.clone());
                assert!(found.is_some(), "{name}, byte {at} is {}", damaged[at]);
            }
        }
    }
}

#[test]
fn a_form_that_lost_or_gained_bytes_is_found() {
    let scene = golden_scene();
    for (name, form, _) in golden() {
        for length in 0..form.len() {
            assert!(
                scene.complaint(form[..length].to_vec()).is_some(),
                "{name} {length}"
            );
            assert!(
                scene.complaint(form[length + 1..].to_vec()).is_some(),
                "{name} {length}"
            );
        }
        let longer = [&form[..], &[0]].concat();
        assert!(scene.complaint(longer).is_some(), "{name}");
    }
}

#[test]
fn a_value_that_claims_to_be_huge_is_not_made_room_for() {
    let scene = Scene::new();
    // 2^60 in groups of seven bits.
    let huge = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
    for method in [&[1][..], &[2], &[3], &[4, 0]] {
        let form = signed(&[method, &huge[..], &[7; 20]].concat());
        let complaint = scene.complaint(form).unwrap();
        assert!(complaint.contains("1152921504606846976"), "{complaint}");
        assert!(
            complaint.contains(&((512 << 20) - 5).to_string()),
            "{complaint}"
        );
    }
}

/// A length that a value may have, and no value that was made so small.
#[test]
fn no_room_is_made_for_more_than_a_codec_can_make_of_the_payload() {
    let scene = golden_scene();
    // 2^28 in groups of seven bits.
    let long = [0x80, 0x80, 0x80, 0x80, 0x01];
    for method in [&[1][..], &[2], &[3], &[4, 0]] {
        let form = signed(&[method, &long[..], &[7; 20]].concat());
        scene.put_form("damaged", form);
        let error = scene.get("damaged").unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("made so small"), "{source}");
    }
    for (codec, byte) in [(Codec::Zstd, 0), (Codec::Lz4, 7), (Codec::Gzip, 255)] {
        let scene = Scene::with(CompressConfig::new().codec(codec));
        // What is repeated for ever is made as small as it can be.
        for length in [1 << 10, 1 << 17, (1 << 17) + 1, 1 << 24] {
            scene.put("k", vec![byte; length]);
            assert_eq!(scene.get("k").unwrap().unwrap(), vec![byte; length]);
        }
    }
}

#[test]
fn the_complaint_says_what_is_wrong() {
    let scene = Scene::new();
    for (form, expected) in [
        (vec![], "it is cut off"),
        (vec![0; 4], "it is cut off"),
        (signed(&[9, 1, 2]), "its first byte is 0x09"),
        (signed(&[1, 0xFF, 0xFF]), "its length makes no sense"),
        (vec![0, 1, 2, 3, 4, 5], "its checksum is wrong"),
        (
            signed(&[1, 100, 1, 2, 3]),
            "its codec does not understand it",
        ),
        (
            signed(&[2, 100, 1, 2, 3]),
            "its codec does not understand it",
        ),
        (
            signed(&[3, 100, 1, 2, 3]),
            "its codec does not understand it",
        ),
    ] {
        let complaint = scene.complaint(form).unwrap();
        assert!(complaint.contains(expected), "{complaint}");
    }
}

#[test]
fn a_check_finds_and_names_each_damaged_value() {
    for codec in [Codec::Zstd, Codec::None] {
        let scene = Scene::with(CompressConfig::new().codec(codec));
        for key in ["a", "b", "c"] {
            scene.put(key, "a".repeat(1_000));
        }
        assert_eq!(block_on(scene.store.check()).unwrap().damages, []);
        let mut damaged = scene.form("b").to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        scene.put_form("b", damaged);
        let report = block_on(scene.store.check()).unwrap();
        assert_eq!(report.damages.len(), 1);
        assert!(report.damages[0].detail.contains("checksum"), "{report:?}");
        assert_eq!(
            report.damages[0].place,
            RedactedKey::from(Key::from("b")).to_string()
        );
    }
}

#[test]
fn what_a_check_cannot_look_at_is_named() {
    let faults = Faults::new();
    let below = FaultyStore::new(MemoryConfig::new().open(), &faults);
    let opening = Stack::on(below)
        .with(CompressLayer::new(CompressConfig::new()))
        .open();
    let store = block_on(opening).unwrap();
    for number in 0..300 {
        block_on(store.put(format!("{number:03}"), "value")).unwrap();
    }
    for nth in 1..=2 {
        let pages = Rule::on_any([Call::Scan, Call::SnapshotScan]).space(Space::User);
        let injection = faults.inject(pages.nth(nth), Fault::corrupt()).unwrap();
        let damages = block_on(store.check()).unwrap().damages;
        faults.withdraw_all();
        assert_eq!((injection.times(), damages.len()), (1, 1), "{nth}");
        assert!(damages[0].detail.contains("was not looked at"));
        let place = if nth == 1 { "first key" } else { "key #" };
        assert!(damages[0].place.contains(place), "{:?}", damages[0]);
    }
    assert_eq!(block_on(store.check()).unwrap().damages, []);
}
