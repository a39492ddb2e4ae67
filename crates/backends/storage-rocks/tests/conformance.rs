//! The conformance suite and the model test over RocksDB: alone, under a layer
//! that passes everything on, and as a shared store.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use storage_core::{
    Components, Result, SharedStore, Stack,
    layer::{PassThrough, PassThroughStore},
};
use storage_rocks::{RocksBackend, RocksConfig};
use storage_testkit::{Subject, conformance};
use tempfile::TempDir;

/// A directory that lives as long as the test.
struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    async fn open(&self, components: Components) -> Result<RocksBackend> {
        RocksConfig::new(self.0.path()).open_with(components).await
    }
}

mod rocks {
    use super::*;

    struct Rocks(Directory);

    impl Subject for Rocks {
        type Store = RocksBackend;
        const ENGINE: &'static str = "rocks";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            self.0.open(components).await
        }
    }

    conformance!(Rocks(Directory::new()));
}

mod pass_through_over_rocks {
    use super::*;

    struct PassedThrough(Directory);

    impl Subject for PassedThrough {
        type Store = PassThroughStore<RocksBackend>;
        const ENGINE: &'static str = "rocks";

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

mod shared_rocks {
    use super::*;

    struct Shared(Directory);

    impl Subject for Shared {
        type Store = SharedStore;
        const ENGINE: &'static str = "rocks";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            Ok(SharedStore::new(self.0.open(components).await?))
        }
    }

    conformance!(Shared(Directory::new()));
}
