//! Stacks over a store that fails.

use storage::{Components, Result, SharedStore};
use storage_testkit::{
    survival::{FaultyMemory, Layered},
    survives_faults,
};

use crate::{
    each::for_each_stack,
    layers::{Below, Layer, open},
};

/// A faulty store under layers.
struct OverFaults(&'static [Layer]);

impl Layered for OverFaults {
    type Store = SharedStore;

    async fn layer(&self, below: FaultyMemory, components: Components) -> Result<SharedStore> {
        open(self.0, Below::Faulty, SharedStore::new(below), components).await
    }
}

for_each_stack!(survives_faults, OverFaults);
