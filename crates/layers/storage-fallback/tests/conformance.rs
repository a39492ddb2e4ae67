//! The conformance suite, random and concurrent histories, through the layer over
//! memory: as it is by default, accepting commits, and as a shared store.

use storage_core::{
    Components, Result, Stack,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_fallback::{Fallback, FallbackConfig, FallbackLayer, StaleReads, StandbyWrites};
use storage_testkit::{Shared, Subject, conformance};

/// The memory engine under the layer.
struct UnderFallback(FallbackConfig);

impl Subject for UnderFallback {
    type Store = Fallback<MemoryBackend>;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        Stack::on(MemoryConfig::new().open_with(&components))
            .with(FallbackLayer::new(self.0.clone()))
            .components(components)
            .open()
            .await
    }
}

fn accepting() -> UnderFallback {
    let config = FallbackConfig::new().reads(StaleReads::Always);
    UnderFallback(config.writes(StandbyWrites::Overwriting))
}

mod fallback_over_memory {
    use super::*;

    conformance!(UnderFallback(FallbackConfig::new()));
}

mod accepting_over_memory {
    use super::*;

    conformance!(accepting());
}

mod shared_fallback_over_memory {
    use super::*;

    conformance!(Shared(accepting()));
}
