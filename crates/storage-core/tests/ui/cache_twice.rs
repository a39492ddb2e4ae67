//! A phase occurs once.

#[path = "fixture/layers.rs"]
mod layers;

use layers::*;
use storage_core::{Stack, Store};

fn stack(engine: impl Store) {
    let _ = Stack::on(engine).with(CacheLayer).with(CacheLayer);
}

fn main() {}
