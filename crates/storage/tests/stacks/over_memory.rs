//! Stacks over the memory engine.

use storage::{Components, Result, SharedStore, memory::MemoryConfig};
use storage_testkit::{Subject, conformance};

use crate::{
    each::test_all,
    layers::{Below, Layer, open},
};

/// The memory engine under layers.
struct OverMemory(&'static [Layer]);

impl Subject for OverMemory {
    type Store = SharedStore;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<SharedStore> {
        let engine = SharedStore::new(MemoryConfig::new().open_with(&components));
        open(self.0, Below::Embedded, engine, components).await
    }
}

test_all!(conformance, OverMemory);
