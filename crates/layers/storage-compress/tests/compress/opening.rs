//! Stores that were written by other stacks.

use storage_compress::{Codec, CompressConfig, CompressLayer};
use storage_core::{
    Components, Error, ErrorKind, ReadExt, Result, Stack, Store, StoreExt, StoreHeader, SystemKeys,
    blocking::block_on,
    layer::{Layer, LayerDeclaration, LayerFormat, phase},
    memory::{MemoryBackend, MemoryConfig},
};

use crate::{forms::golden, scene::Scene};

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

/// What version 1 wrote over an empty store, and then a value.
fn written_by_version_1() -> MemoryBackend {
    const HEADER: &str = "storage header 1\nid 01234567-89ab-4def-8123-456789abcdef\n\
                          layer compress 1\ncrc32 b08340e9\n";
    let below = MemoryConfig::new().open();
    let key = SystemKeys::of("core").key("header");
    block_on(below.put(key, HEADER)).unwrap();
    for (name, form, _) in golden() {
        if !name.starts_with("trained") {
            block_on(below.put(name, form)).unwrap();
        }
    }
    below
}

#[test]
fn a_store_that_version_1_wrote_is_taken_over() {
    let below = written_by_version_1();
    let store = opened(&below, CompressConfig::new()).unwrap();
    for (name, _, value) in golden() {
        if !name.starts_with("trained") {
            let entry = block_on(store.get(name)).unwrap().unwrap();
            assert_eq!(entry.value(), &value, "{name}");
        }
    }
    let header = block_on(StoreHeader::read(&below)).unwrap().unwrap();
    assert_eq!(header.layers[0].format.version, 2);
}

/// The layer as version 1 declares itself.
#[derive(Clone, Copy, Debug)]
struct Version1;

impl Layer for Version1 {
    type Phase = phase::Compress;
    type Store<S: Store> = S;

    fn declaration(&self) -> LayerDeclaration {
        LayerDeclaration::new("compress").stored_as(LayerFormat::new(1, ""))
    }

    async fn wrap<S: Store>(self, inner: S, _: &Components) -> Result<S> {
        Ok(inner)
    }
}

#[test]
fn version_1_refuses_what_this_one_wrote() {
    let scene = Scene::new();
    scene.put("key", "value");
    let opening = Stack::on(scene.below.clone()).with(Version1).open();
    let error = block_on(opening).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("upgrade"), "{error}");
}
