//! Stores that were written by other stacks, and stores that will not do.

use storage_core::{
    Error, ErrorKind, ReadExt, Stack, Store, StoreExt,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_dedup::{CutConfig, DedupConfig, DedupLayer};

use crate::scene::{Scene, config, noise};

fn opened(below: &MemoryBackend, config: DedupConfig) -> Result<impl Store, Error> {
    block_on(
        Stack::on(below.clone())
            .with(DedupLayer::new(config))
            .open(),
    )
}

#[test]
fn a_store_that_was_written_without_the_layer_is_refused_with_it() {
    let below = MemoryConfig::new().open();
    block_on(below.put("k", "v")).unwrap();
    let error = opened(&below, DedupConfig::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("dedup"), "{error}");
}

#[test]
fn a_store_that_was_written_with_the_layer_is_refused_without_it() {
    let scene = Scene::new();
    scene.put("k", "v");
    let error = block_on(Stack::on(scene.below.clone()).open()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("add the layer `dedup`"), "{error}");
}

#[test]
fn any_settings_open_what_any_others_wrote() {
    let scene = Scene::new();
    scene.put("k", noise(1, 5_000));
    scene.put("l", noise(2, 100));
    let before = scene.rows("k").remove(0).1;
    let other = DedupConfig::new()
        .cut(CutConfig::of(256, 1_024, 4_096))
        .bytes_min(4_000);
    let store = opened(&scene.below, other).unwrap();
    for (key, value) in [("k", noise(1, 5_000)), ("l", noise(2, 100))] {
        assert_eq!(block_on(store.get(key)).unwrap().unwrap().value(), &value);
    }
    // The key stays, the lengths are those of the last opening.
    let after = scene.rows("k").remove(0).1;
    assert_eq!(before[..33], after[..33]);
    assert_ne!(before[33..], after[33..]);
}

#[test]
fn each_store_has_a_key_of_its_own() {
    let stores = [MemoryConfig::new().open(), MemoryConfig::new().open()];
    let chunks = stores.map(|below| {
        let store = opened(&below, config()).unwrap();
        block_on(store.put("k", noise(1, 500))).unwrap();
        block_on(below.get("k")).unwrap().unwrap().into_value()
    });
    assert_ne!(chunks[0], chunks[1]);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let below = MemoryConfig::new().open();
    let error = opened(&below, DedupConfig::new().bytes_min(0)).unwrap_err();
    assert_eq!(
        (error.kind(), error.layer()),
        (ErrorKind::Invalid, Some("dedup"))
    );
}

#[test]
fn a_damaged_key_is_found_when_the_store_is_opened() {
    let scene = Scene::new();
    scene.put("k", noise(1, 500));
    let mut settings = scene.rows("k").remove(0).1.to_vec();
    settings[5] ^= 1;
    scene.put_row(Scene::own_key("k", b""), settings);
    let error = opened(&scene.below, config()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}
