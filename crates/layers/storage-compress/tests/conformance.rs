//! The conformance suite, the model test and the linearizability test over the
//! layer on memory, with each codec, and with a dictionary.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod golden;

use storage_compress::{Codec, CompressConfig, CompressLayer, CompressStore, DictionaryConfig};
use storage_core::{
    Components, Result, Stack, StoreExt,
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

/// The layer over memory, with a dictionary from the begin on, for values of any length.
struct Trained;

impl Subject for Trained {
    type Store = CompressStore<MemoryBackend>;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        let below = MemoryConfig::new().open_with(&components);
        let config = with(Codec::Zstd);
        let open = |config| {
            Stack::on(below.clone())
                .with(CompressLayer::new(config))
                .components(components.clone())
                .open()
        };
        open(config.clone().dictionaries(None)).await?;
        below.put(golden::row_key(0), golden::row()).await?;
        let dictionaries = DictionaryConfig::new().value_bytes(1, 64 << 10);
        open(config.dictionaries(Some(dictionaries))).await
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

mod trained {
    use super::*;

    conformance!(Trained);
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
