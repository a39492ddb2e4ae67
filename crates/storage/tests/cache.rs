//! The cache over the embedded default engine: what the suite asks of every stack
//! that is shipped.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use storage::{
    Components, Result, Stack,
    cache::{CacheConfig, CacheLayer, CacheStore, Writes},
    fjall::{FjallBackend, FjallConfig},
};
use storage_testkit::{Subject, conformance};
use tempfile::TempDir;

/// A cache with these settings over a directory that lives as long as the test.
struct Cached(TempDir, CacheConfig);

impl Cached {
    fn new(config: CacheConfig) -> Self {
        Self(TempDir::new().expect("a temporary directory"), config)
    }
}

impl Subject for Cached {
    type Store = CacheStore<FjallBackend>;
    const ENGINE: &'static str = "fjall";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        let engine = FjallConfig::new(self.0.path());
        Stack::on(engine.open_with(components.clone()).await?)
            .with(CacheLayer::new(self.1.clone()))
            .components(components)
            .open()
            .await
    }
}

mod cached_fjall {
    use super::*;

    conformance!(Cached::new(CacheConfig::exclusive(1 << 20)));
}

mod read_back_from_fjall {
    use super::*;

    conformance!(Cached::new(
        CacheConfig::exclusive(1 << 12).writes(Writes::ReadBack)
    ));
}
