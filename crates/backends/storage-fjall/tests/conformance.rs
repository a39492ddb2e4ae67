//! The conformance suite and the model test over fjall: alone, under a layer
//! that passes everything on, and as a shared store.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use storage_core::{Components, Result};
use storage_fjall::{FjallBackend, FjallConfig};
use storage_testkit::{Subject, conformance};
use tempfile::TempDir;

/// A directory that lives as long as the test.
struct Fjall(TempDir);

impl Fjall {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }
}

impl Subject for Fjall {
    type Store = FjallBackend;
    const ENGINE: &'static str = "fjall";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        FjallConfig::new(self.0.path()).open_with(components).await
    }
}

mod fjall {
    use super::*;

    conformance!(Fjall::new());
}

mod pass_through_over_fjall {
    use super::*;
    use storage_testkit::PassedThrough;

    conformance!(PassedThrough(Fjall::new()));
}

mod shared_fjall {
    use super::*;
    use storage_testkit::Shared;

    conformance!(Shared(Fjall::new()));
}
