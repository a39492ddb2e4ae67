//! Stacks over fjall.

use storage::{Components, Result, SharedStore, fjall::FjallConfig};
use storage_testkit::{Subject, conformance};
use tempfile::TempDir;

use crate::{
    each::{for_each_stack_that_alters, for_each_stack_that_leaves, test_each},
    layers::{Below, Layer, open},
};

/// fjall under layers, in a directory that lives as long as the test.
struct OverFjall(&'static [Layer], TempDir);

fn over_fjall(layers: &'static [Layer]) -> OverFjall {
    OverFjall(layers, TempDir::new().expect("a temporary directory"))
}

impl Subject for OverFjall {
    type Store = SharedStore;
    const ENGINE: &'static str = "fjall";

    async fn open(&self, components: Components) -> Result<SharedStore> {
        let config = FjallConfig::new(self.1.path());
        let engine = SharedStore::new(config.open_with(components.clone()).await?);
        open(self.0, Below::Embedded, engine, components).await
    }
}

for_each_stack_that_leaves!(test_each, conformance, over_fjall;);
for_each_stack_that_alters!(test_each, conformance, over_fjall;);
