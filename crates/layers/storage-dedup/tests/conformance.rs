//! The conformance suite, the model test and the linearizability test over the layer on
//! memory: with the default settings, and with chunks of a few bytes that are collected
//! all the time.

use std::time::Duration;

use storage_core::{
    Components, Result, Stack,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_dedup::{CollectConfig, CutConfig, DedupConfig, DedupLayer, DedupStore};
use storage_testkit::{Subject, conformance};

/// The layer with these settings over memory.
struct Deduplicated(DedupConfig);

impl Subject for Deduplicated {
    type Store = DedupStore<MemoryBackend>;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        Stack::on(MemoryConfig::new().open_with(&components))
            .with(DedupLayer::new(self.0.clone()))
            .components(components)
            .open()
            .await
    }
}

/// Every value is a chunk, and longer ones are several.
fn tiny() -> DedupConfig {
    DedupConfig::new()
        .bytes_min(1)
        .cut(CutConfig::of(64, 256, 1_024))
}

mod dedup {
    use super::*;

    conformance!(Deduplicated(DedupConfig::new()));
}

mod tiny_chunks {
    use super::*;

    conformance!(Deduplicated(tiny()));
}

mod collected_all_the_time {
    use super::*;

    conformance!(Deduplicated(
        tiny().known_max(8).collect(
            CollectConfig::new()
                .every(Duration::from_millis(1))
                .grace(Duration::ZERO)
                .chunks_per_second_max(u32::MAX)
        )
    ));
}

mod as_a_shared_store {
    use super::*;
    use storage_testkit::Shared;

    conformance!(Shared(Deduplicated(tiny().inline_bytes_max(0))));
}
