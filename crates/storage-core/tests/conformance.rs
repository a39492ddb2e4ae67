//! The conformance suite over what this crate ships: the memory engine, alone,
//! under a layer that passes everything on, as a shared store, and as a view of
//! a namespace.

use storage_core::{
    Components, Namespace, Result,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::{Subject, conformance};

struct Memory;

impl Subject for Memory {
    type Store = MemoryBackend;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        Ok(MemoryConfig::new().open_with(&components))
    }
}

mod memory {
    use super::*;

    conformance!(Memory);
}

mod pass_through_over_memory {
    use super::*;
    use storage_testkit::PassedThrough;

    conformance!(PassedThrough(Memory));
}

mod shared_memory {
    use super::*;
    use storage_testkit::Shared;

    conformance!(Shared(Memory));
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
