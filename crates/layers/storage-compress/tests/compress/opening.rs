//! Stores that were written by other stacks.

use storage_compress::{Codec, CompressConfig, CompressLayer};
use storage_core::{
    Error, ErrorKind, ReadExt, Stack, Store, StoreExt,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};

use crate::scene::Scene;

fn opened(below: &MemoryBackend, config: CompressConfig) -> Result<impl Store, Error> {
    block_on(
        Stack::on(below.clone())
            .with(CompressLayer::new(config))
            .open(),
    )
}

#[test]
fn a_store_that_was_written_without_the_layer_is_refused_with_it() {
    let below = MemoryConfig::new().open();
    block_on(below.put("k", "v")).unwrap();
    let error = opened(&below, CompressConfig::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("compress"), "{error}");
}

#[test]
fn a_store_that_was_written_with_the_layer_is_refused_without_it() {
    let scene = Scene::new();
    scene.put("k", "v");
    let error = block_on(Stack::on(scene.below.clone()).open()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.message().contains("add the layer `compress`"),
        "{error}"
    );
}

#[test]
fn any_settings_open_what_any_others_wrote() {
    let scene = Scene::with(CompressConfig::new().codec(Codec::Gzip).level(9));
    scene.put("k", "a".repeat(1_000));
    let store = opened(&scene.below, CompressConfig::new().codec(Codec::Lz4)).unwrap();
    let entry = block_on(store.get("k")).unwrap().unwrap();
    assert_eq!(entry.value(), "a".repeat(1_000).as_bytes());
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let below = MemoryConfig::new().open();
    let error = opened(&below, CompressConfig::new().level(99)).unwrap_err();
    assert_eq!(
        (error.kind(), error.layer()),
        (ErrorKind::Invalid, Some("compress"))
    );
}
