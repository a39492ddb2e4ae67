//! The conformance suite, random and concurrent histories, through the layer
//! over memory: as it is, with one place for all, and as a shared store.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::num::NonZeroUsize;

use storage_core::{
    Components, Result, Stack,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_resilience::{ResilienceConfig, ResilienceLayer, Resilient};
use storage_testkit::{Shared, Subject, conformance};

/// The memory engine under the layer.
struct UnderResilience(ResilienceConfig);

impl Subject for UnderResilience {
    type Store = Resilient<MemoryBackend>;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        Stack::on(MemoryConfig::new().open_with(&components))
            .with(ResilienceLayer::new(self.0.clone()))
            .components(components)
            .open()
            .await
    }
}

mod resilience_over_memory {
    use super::*;

    conformance!(UnderResilience(ResilienceConfig::new()));
}

mod one_at_a_time_over_memory {
    use super::*;

    fn subject() -> UnderResilience {
        let one = NonZeroUsize::new(1).expect("one");
        UnderResilience(ResilienceConfig::new().at_once(one, 4_096))
    }

    conformance!(subject());
}

mod shared_resilience_over_memory {
    use super::*;

    conformance!(Shared(UnderResilience(ResilienceConfig::new())));
}
