//! No layer is of the phase of engines.

#[path = "fixture/layers.rs"]
mod layers;

use layers::*;
use storage_core::{Stack, Store};

fn stack(engine: impl Store) {
    let _ = Stack::on(engine).with(SecondEngine);
}

fn main() {}
