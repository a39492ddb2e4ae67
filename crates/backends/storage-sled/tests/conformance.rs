//! The conformance suite and the model test over sled: alone, under a layer
//! that passes everything on, and as a shared store.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use storage_core::{
    Components, Result, SharedStore, Stack,
    layer::{PassThrough, PassThroughStore},
};
use storage_sled::{SledBackend, SledConfig};
use storage_testkit::{Subject, conformance};
use tempfile::TempDir;

/// A directory that lives as long as the test.
struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    async fn open(&self, components: Components) -> Result<SledBackend> {
        SledConfig::new(self.0.path()).open_with(components).await
    }
}

mod sled {
    use super::*;

    struct Sled(Directory);

    impl Subject for Sled {
        type Store = SledBackend;
        const ENGINE: &'static str = "sled";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            self.0.open(components).await
        }
    }

    conformance!(Sled(Directory::new()));
}

mod pass_through_over_sled {
    use super::*;

    struct PassedThrough(Directory);

    impl Subject for PassedThrough {
        type Store = PassThroughStore<SledBackend>;
        const ENGINE: &'static str = "sled";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            Stack::on(self.0.open(components.clone()).await?)
                .with(PassThrough)
                .components(components)
                .open()
                .await
        }
    }

    conformance!(PassedThrough(Directory::new()));
}

mod shared_sled {
    use super::*;

    struct Shared(Directory);

    impl Subject for Shared {
        type Store = SharedStore;
        const ENGINE: &'static str = "sled";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            Ok(SharedStore::new(self.0.open(components).await?))
        }
    }

    conformance!(Shared(Directory::new()));
}
