//! Stores below that will not do, or that were written in another way.

use storage_core::{
    Error, ErrorKind, Stack, StoreExt,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_expiry::{ExpiryConfig, ExpiryLayer, Sweep};

use crate::scene::Scene;

fn refusal(below: &MemoryBackend, sweep: Sweep) -> Error {
    let layer = ExpiryLayer::new(ExpiryConfig::new().sweep(sweep));
    block_on(Stack::on(below.clone()).with(layer).open()).unwrap_err()
}

#[test]
fn a_store_keeps_to_its_way_of_sweeping() {
    let scene = Scene::new();
    scene.put_for("k", 1);
    let error = refusal(&scene.below, Sweep::Never);
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("expiry v1 (rows=none)"), "{error}");
    let error = block_on(Stack::on(scene.below.clone()).open()).unwrap_err();
    assert!(
        error.message().contains("add the layer `expiry`"),
        "{error}"
    );
}

#[test]
fn a_store_that_was_written_without_the_layer_is_refused_with_it() {
    let below = MemoryConfig::new().open();
    block_on(below.put("k", "v")).unwrap();
    let error = refusal(&below, Sweep::Background);
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("expiry"), "{error}");
}
