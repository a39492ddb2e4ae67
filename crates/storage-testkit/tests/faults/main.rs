//! The faulty store keeps the contract of a store, and what certifies layers
//! against it can fail.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broken;
mod directing;
mod refusing;
mod reports;

/// Without faults, a faulty store is what lies below it.
mod without_faults {
    use storage_core::{
        Components, Result,
        memory::{MemoryBackend, MemoryConfig},
    };
    use storage_testkit::{
        Subject, conformance,
        faulty::{Faults, FaultyStore},
    };

    struct WithoutFaults;

    impl Subject for WithoutFaults {
        type Store = FaultyStore<MemoryBackend>;
        const ENGINE: &'static str = "memory";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            let memory = MemoryConfig::new().open_with(&components);
            Ok(FaultyStore::new(memory, &Faults::new()))
        }
    }

    conformance!(WithoutFaults);
}
