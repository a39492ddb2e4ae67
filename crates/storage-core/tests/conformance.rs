//! The conformance suite over what this crate ships: the memory engine, alone,
//! under a layer that passes everything on, as a shared store, and as a view of
//! a namespace.

use storage_core::{
    Components, Namespace, Result, SharedStore, Stack,
    layer::{PassThrough, PassThroughStore},
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::{Subject, conformance};

mod memory {
    use super::*;

    struct Memory;

    impl Subject for Memory {
        type Store = MemoryBackend;
        const ENGINE: &'static str = "memory";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            Ok(MemoryConfig::new().open_with(&components))
        }
    }

    conformance!(Memory);
}

mod pass_through_over_memory {
    use super::*;

    struct PassedThrough;

    impl Subject for PassedThrough {
        type Store = PassThroughStore<MemoryBackend>;
        const ENGINE: &'static str = "memory";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            Stack::on(MemoryConfig::new().open_with(&components))
                .with(PassThrough)
                .components(components)
                .open()
                .await
        }
    }

    conformance!(PassedThrough);
}

mod shared_memory {
    use super::*;

    struct Shared;

    impl Subject for Shared {
        type Store = SharedStore;
        const ENGINE: &'static str = "memory";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            Ok(SharedStore::new(MemoryConfig::new().open_with(&components)))
        }
    }

    conformance!(Shared);
}

mod namespace_of_memory {
    use super::*;
    use storage_core::Namespaced;

    struct View;

    impl Subject for View {
        type Store = Namespaced<MemoryBackend>;
        const ENGINE: &'static str = "memory";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            let memory = MemoryConfig::new().open_with(&components);
            Ok(Namespaced::new(memory, Namespace::root().child("view")))
        }
    }

    conformance!(View);
}
