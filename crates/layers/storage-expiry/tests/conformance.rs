//! The conformance suite, the model test and the linearizability test over the layer
//! on memory, while a sweeper works, and without rows.

use std::time::Duration;

use storage_core::{
    Components, Result, Stack,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_expiry::{ExpiryConfig, ExpiryLayer, ExpiryStore, Sweep};
use storage_testkit::{Subject, conformance};

/// The layer with these settings over memory.
struct Expiring(ExpiryConfig);

impl Subject for Expiring {
    type Store = ExpiryStore<MemoryBackend>;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        Stack::on(MemoryConfig::new().open_with(&components))
            .with(ExpiryLayer::new(self.0.clone()))
            .components(components)
            .open()
            .await
    }
}

/// A sweeper that hardly rests.
fn busy() -> ExpiryConfig {
    ExpiryConfig::new()
        .sweep_every(Duration::from_micros(100))
        .sweep_pause(Duration::ZERO)
        .sweep_entries_max(3)
}

mod sweeping {
    use super::*;

    conformance!(Expiring(busy()));
}

mod without_rows {
    use super::*;

    conformance!(Expiring(ExpiryConfig::new().sweep(Sweep::Never)));
}

mod as_a_shared_store {
    use super::*;
    use storage_testkit::Shared;

    conformance!(Shared(Expiring(busy())));
}
