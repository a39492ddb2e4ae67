//! Stacks over a store that fails.

use storage::{Components, Result, SharedStore};
use storage_testkit::{
    survival::{FaultyMemory, Layered},
    survives_faults,
};

use crate::{
    each::test_all,
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

test_all!(survives_faults, OverFaults);
