//! Rows and chunks that are not what was written.

use storage_core::{ErrorKind, Key, RedactedKey, StoreExt, blocking::block_on};

use crate::scene::{Scene, hexadecimal, noise};

fn assert_corrupt(scene: &Scene, key: &str, expected: &str) {
    let error = scene.get(key).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(error.layer(), Some("dedup"));
    assert!(error.key().is_some());
    assert!(error.message().contains(expected), "{error}");
}

#[test]
fn every_flip_and_every_cut_of_a_row_that_refers_to_chunks_is_found() {
    let scene = Scene::new();
    for (key, value) in [("one", noise(1, 500)), ("two", noise(2, 1_500))] {
        scene.put(key, value.clone());
        let row = scene.row(key);
        for at in 0..row.len() {
            for bit in 0..8 {
                let mut damaged = row.to_vec();
                damaged[at] ^= 1 << bit;
                scene.put_row(key, damaged);
                assert_corrupt(&scene, key, "");
            }
            // What is cut off between two chunks is a row, of another value: the store
            // below vouches for lengths.
            let is_whole = at > 0 && (at - 1) % 36 == 0 && at > 1;
            if !is_whole {
                scene.put_row(key, row.slice(..at));
                assert_corrupt(&scene, key, "");
            }
        }
        scene.put_row(key, row);
        assert_eq!(scene.get(key).unwrap().unwrap(), value);
    }
}

#[test]
fn every_flip_and_every_cut_of_a_chunk_is_found_and_named() {
    let scene = Scene::new();
    scene.put("k", noise(1, 100));
    let (hash, chunk) = scene.rows("c").remove(0);
    let key = Scene::own_key("c", &hash);
    for at in 0..chunk.len() {
        for bit in 0..8 {
            let mut damaged = chunk.to_vec();
            damaged[at] ^= 1 << bit;
            scene.put_row(&key, damaged);
            assert_corrupt(&scene, "k", &hexadecimal(&hash));
        }
        scene.put_row(&key, chunk.slice(..at));
        assert_corrupt(&scene, "k", &hexadecimal(&hash));
    }
    let report = scene.check();
    assert_eq!(report.damages.len(), 1);
    assert_eq!(
        report.damages[0].place,
        format!("chunk {}", hexadecimal(&hash))
    );
    scene.put_row(&key, chunk);
    scene.assert_sound();
}

#[test]
fn a_missing_chunk_is_named_by_reads_and_by_the_check() {
    let scene = Scene::new();
    for (key, seed) in [("a", 1), ("b", 2), ("c", 1)] {
        scene.put(key, noise(seed, 500));
    }
    let hash = scene.row("a").slice(1..33);
    for kind in ["c", "l"] {
        block_on(scene.below.delete(&Scene::own_key(kind, &hash))).unwrap();
        assert_corrupt(&scene, "a", &hexadecimal(&hash));
        assert_eq!(scene.get("b").unwrap().unwrap(), noise(2, 500));
    }
    let damages = scene.check().damages;
    let places: Vec<_> = damages.iter().map(|damage| damage.place.clone()).collect();
    let place = |key: &str| RedactedKey::from(Key::from(key)).to_string();
    assert_eq!(places, [place("a"), place("c")]);
    for damage in damages {
        assert!(damage.detail.contains(&hexadecimal(&hash)), "{damage:?}");
    }
}

#[test]
fn the_check_finds_what_the_collector_does_not_know_of() {
    for (kind, expected) in [
        ("l", "the collector does not know of it"),
        ("r", "without a hint"),
        ("c", "its state says that it is there"),
    ] {
        let scene = Scene::new();
        scene.put("a", noise(1, 500));
        scene.put("b", noise(2, 500));
        let rest = scene.rows(kind).remove(0).0;
        let key = Scene::own_key(kind, &rest);
        block_on(scene.below.delete(&key)).unwrap();
        let damages = scene.check().damages;
        assert!(damages[0].detail.contains(expected), "{damages:?}");
        let hash = hexadecimal(&rest[..32]);
        let named = format!("{} {}", damages[0].place, damages[0].detail);
        assert!(named.contains(&hash), "{damages:?}");
    }
    let scene = Scene::new();
    scene.put("a", noise(1, 500));
    let hash = scene.rows("l").remove(0).0;
    for (state, expected) in [
        (&[0, 0, 0, 1][..], "how long it is"),
        (b"x", "how long it is"),
    ] {
        scene.put_row(Scene::own_key("l", &hash), state.to_vec());
        let damages = scene.check().damages;
        assert!(damages[0].detail.contains(expected), "{damages:?}");
    }
    scene.put_row(Scene::own_key("l", &hash), 500_u32.to_be_bytes().to_vec());
    scene.put_row(Scene::own_key("m", &hash), vec![0; 28]);
    let damages = scene.check().damages;
    assert!(damages[0].detail.contains("at once"), "{damages:?}");
}

#[test]
fn a_value_that_claims_to_be_huge_is_not_made_room_for() {
    let scene = Scene::new();
    let piece = [[7; 32].as_slice(), &u32::MAX.to_be_bytes()].concat();
    scene.put_row("huge", [&[0xFF], &*piece.repeat(1 << 12)].concat());
    assert_corrupt(&scene, "huge", "17592186040320");
    assert_eq!(scene.check().damages.len(), 1);
}
