//! Which values are compressed, and what the layer counts.

use storage_compress::{Codec, CompressConfig};
use storage_core::Namespace;

use crate::scene::{Scene, noise};

#[test]
fn a_value_is_compressed_if_that_saves_an_eighth() {
    for (codec, first) in [(Codec::Zstd, 1), (Codec::Lz4, 2), (Codec::Gzip, 3)] {
        let scene = Scene::with(CompressConfig::new().codec(codec));
        scene.put("text", "So it goes. ".repeat(100));
        assert_eq!(scene.form("text")[0], first);
        assert!(scene.form("text").len() < 150, "{codec:?}");
        scene.put("noise", noise(1, 300));
        assert_eq!(scene.form("noise")[0], 0);
        assert_eq!(scene.form("noise").len(), 305);
        // A tenth of it is zeros: too little.
        let mut mixed = noise(2, 400);
        mixed[..40].fill(0);
        scene.put("mixed", mixed);
        assert_eq!(scene.form("mixed")[0], 0, "{codec:?}");
        let stats = scene.stats();
        assert_eq!((stats.unsaved, stats.small, stats.random), (2, 0, 0));
        assert_eq!(stats.logical_bytes, 1_900);
    }
}

#[test]
fn short_values_are_stored_as_they_are() {
    let scene = Scene::new();
    scene.put("short", "a".repeat(63));
    scene.put("empty", "");
    assert_eq!(
        (scene.form("short").len(), scene.form("empty").len()),
        (68, 5)
    );
    scene.put("long", "a".repeat(64));
    assert_eq!(scene.form("long")[0], 1);
    assert_eq!(scene.stats().small, 2);
    assert_eq!(scene.get("empty").unwrap().unwrap(), "");
}

#[test]
fn what_looks_random_is_not_tried() {
    let scene = Scene::new();
    scene.put("noise", noise(1, 512));
    scene.put("more", noise(2, 64 << 10));
    let stats = scene.stats();
    assert_eq!((stats.random, stats.zstd.tried), (2, 0));
    let mut large = noise(3, 1 << 20);
    scene.put("large", large.clone());
    let stats = scene.stats();
    assert_eq!((stats.random, stats.zstd.tried), (3, 0));
    large.truncate(3 << 18);
    large.resize(1 << 20, b'a');
    scene.put("with an end of text", large);
    assert_eq!(scene.stats().zstd.compressed, 1);
}

#[test]
fn after_64_misses_few_values_of_a_namespace_are_tried() {
    let scene = Scene::new();
    let key = |namespace: &str, number: u64| {
        let key = Namespace::root().child(namespace).key(number.to_be_bytes());
        String::from_utf8(key.into_bytes().to_vec()).unwrap()
    };
    for number in 0..64 + 128 {
        scene.put(&key("noise", number % 100), noise(number, 100));
    }
    let stats = scene.stats();
    assert_eq!((stats.zstd.tried, stats.skipped), (64 + 2, 126));
    scene.put(&key("text", 0), "a".repeat(100));
    assert_eq!(scene.stats().zstd.compressed, 1);
}

#[test]
fn a_codec_that_does_nothing_reads_what_others_wrote() {
    let written = Scene::new();
    written.put("k", "a".repeat(1_000));
    let scene = Scene::with(CompressConfig::new().codec(Codec::None));
    scene.put_form("k", written.form("k"));
    assert_eq!(scene.get("k").unwrap().unwrap(), "a".repeat(1_000));
    scene.put("own", "a".repeat(1_000));
    assert_eq!(scene.form("own").len(), 1_005);
}

#[test]
fn the_ratio_is_that_of_all_values() {
    let scene = Scene::new();
    assert!((scene.stats().ratio() - 1.0).abs() < 1e-9);
    scene.put("k", "a".repeat(10_000));
    scene.get("k").unwrap();
    let stats = scene.stats();
    assert!(stats.ratio() > 100.0);
    assert_eq!(stats.zstd.decompressed, 1);
    assert!(!stats.zstd.compressing.is_zero() && !stats.zstd.decompressing.is_zero());
}
