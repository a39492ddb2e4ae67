//! A layer that belongs anywhere does not hide the one below it.

#[path = "fixture/layers.rs"]
mod layers;

use layers::*;
use storage_core::{Stack, Store};

fn stack(engine: impl Store) {
    let _ = Stack::on(engine).with(CacheLayer).with(MetricsLayer).with(CompressLayer);
}

fn main() {}
