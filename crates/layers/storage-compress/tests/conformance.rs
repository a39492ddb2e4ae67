//! The conformance suite, the model test and the linearizability test over the
//! layer on memory, with each codec, and with all work on the pool.

use storage_compress::{Codec, CompressConfig, CompressLayer, CompressStore};
use storage_core::{
    Components, Result, Stack,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::{Subject, conformance};

/// The layer with these settings over memory.
struct Compressed(CompressConfig);

impl Subject for Compressed {
    type Store = CompressStore<MemoryBackend>;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        Stack::on(MemoryConfig::new().open_with(&components))
            .with(CompressLayer::new(self.0.clone()))
            .components(components)
            .open()
            .await
    }
}

/// Every value is tried, however short.
fn with(codec: Codec) -> CompressConfig {
    CompressConfig::new().codec(codec).bytes_min(1)
}

mod zstd {
    use super::*;

    conformance!(Compressed(CompressConfig::new()));
}

mod lz4 {
    use super::*;

    conformance!(Compressed(with(Codec::Lz4)));
}

mod gzip {
    use super::*;

    conformance!(Compressed(with(Codec::Gzip)));
}

mod as_a_shared_store {
    use super::*;
    use storage_testkit::Shared;

    conformance!(Shared(Compressed(with(Codec::Zstd))));
}
