//! The conformance suite through the deduplication layer over engines that keep files, and
//! through a cache over it and compression below. Every value is a chunk.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use storage::{
    Components, Result, Stack, Store,
    cache::{CacheConfig, CacheLayer, CacheStore},
    compress::{CompressConfig, CompressLayer, CompressStore},
    dedup::{CutConfig, DedupConfig, DedupLayer, DedupStore},
    fjall::{FjallBackend, FjallConfig},
    sqlite::{SqliteBackend, SqliteConfig},
};
use storage_testkit::{Subject, conformance};
use tempfile::TempDir;

/// A directory that lives as long as the test.
fn directory() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

async fn deduplicated<S: Store>(engine: S, components: Components) -> Result<DedupStore<S>> {
    let config = DedupConfig::new()
        .bytes_min(1)
        .cut(CutConfig::of(64, 256, 1_024));
    Stack::on(engine)
        .with(DedupLayer::new(config))
        .components(components)
        .open()
        .await
}

struct OverFjall(TempDir);

impl Subject for OverFjall {
    type Store = DedupStore<FjallBackend>;
    const ENGINE: &'static str = "fjall";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        let engine = FjallConfig::new(self.0.path());
        deduplicated(engine.open_with(components.clone()).await?, components).await
    }
}

struct OverSqlite(TempDir);

impl Subject for OverSqlite {
    type Store = DedupStore<SqliteBackend>;
    const ENGINE: &'static str = "sqlite";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        let engine = SqliteConfig::new(self.0.path());
        deduplicated(engine.open_with(components.clone()).await?, components).await
    }
}

struct CachedAndCompressed(TempDir);

impl Subject for CachedAndCompressed {
    type Store = CacheStore<DedupStore<CompressStore<FjallBackend>>>;
    const ENGINE: &'static str = "fjall";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        let engine = FjallConfig::new(self.0.path());
        Stack::on(engine.open_with(components.clone()).await?)
            .with(CompressLayer::new(CompressConfig::new().bytes_min(1)))
            .with(DedupLayer::new(DedupConfig::new().bytes_min(1)))
            .with(CacheLayer::new(CacheConfig::exclusive(1 << 20)))
            .components(components)
            .open()
            .await
    }
}

mod over_fjall {
    use super::*;

    conformance!(OverFjall(directory()));
}

mod over_sqlite {
    use super::*;

    conformance!(OverSqlite(directory()));
}

mod cached_and_compressed {
    use super::*;

    conformance!(CachedAndCompressed(directory()));
}
