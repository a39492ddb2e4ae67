//! The conformance suite and the model test over sled: alone, under a layer
//! that passes everything on, and as a shared store.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use storage_core::{Components, Result};
use storage_sled::{SledBackend, SledConfig};
use storage_testkit::{Subject, conformance};
use tempfile::TempDir;

/// A directory that lives as long as the test.
struct Sled(TempDir);

impl Sled {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }
}

impl Subject for Sled {
    type Store = SledBackend;
    const ENGINE: &'static str = "sled";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        SledConfig::new(self.0.path()).open_with(components).await
    }
}

mod sled {
    use super::*;

    conformance!(Sled::new());
}

mod pass_through_over_sled {
    use super::*;
    use storage_testkit::PassedThrough;

    conformance!(PassedThrough(Sled::new()));
}

mod shared_sled {
    use super::*;
    use storage_testkit::Shared;

    conformance!(Shared(Sled::new()));
}
