//! The conformance suite through the layers that alter what is stored, each alone and
//! together, with a cache between them, over engines on disk.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use storage::{
    Components, ErasedStack, Result, SharedStore,
    cache::{CacheConfig, CacheLayer},
    compress::{CompressConfig, CompressLayer},
    expiry::{ExpiryConfig, ExpiryLayer},
    fjall::FjallConfig,
    memory::MemoryConfig,
    sqlite::SqliteConfig,
};
use storage_testkit::{Subject, conformance};
use tempfile::TempDir;

/// Every value is tried, however short.
fn compress() -> CompressLayer {
    CompressLayer::new(CompressConfig::new().bytes_min(1))
}

/// A sweeper that hardly rests.
fn expiry() -> ExpiryLayer {
    let config = ExpiryConfig::new().sweep_every(Duration::from_millis(1));
    ExpiryLayer::new(config.sweep_pause(Duration::ZERO))
}

/// A directory that lives as long as the test.
fn directory() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

/// What is put on the engine.
#[derive(Clone, Copy)]
enum Layers {
    Compress,
    Expiry,
    Both,
    BothAndCache,
}

impl Layers {
    async fn open(self, engine: SharedStore, components: Components) -> Result<SharedStore> {
        let stack = ErasedStack::on(engine).components(components);
        let stack = match self {
            Self::Compress => stack.with(compress()),
            Self::Expiry => stack.with(expiry()),
            Self::Both => stack.with(compress()).with(expiry()),
            Self::BothAndCache => stack
                .with(compress())
                .with(CacheLayer::new(CacheConfig::exclusive(1 << 20)))
                .with(expiry()),
        };
        stack.open().await
    }
}

struct OverMemory(Layers);

impl Subject for OverMemory {
    type Store = SharedStore;
    const ENGINE: &'static str = "memory";

    async fn open(&self, components: Components) -> Result<SharedStore> {
        let engine = SharedStore::new(MemoryConfig::new().open_with(&components));
        self.0.open(engine, components).await
    }
}

struct OverFjall(Layers, TempDir);

impl Subject for OverFjall {
    type Store = SharedStore;
    const ENGINE: &'static str = "fjall";

    async fn open(&self, components: Components) -> Result<SharedStore> {
        let config = FjallConfig::new(self.1.path());
        let engine = SharedStore::new(config.open_with(components.clone()).await?);
        self.0.open(engine, components).await
    }
}

struct OverSqlite(Layers, TempDir);

impl Subject for OverSqlite {
    type Store = SharedStore;
    const ENGINE: &'static str = "sqlite";

    async fn open(&self, components: Components) -> Result<SharedStore> {
        let config = SqliteConfig::new(self.1.path());
        let engine = SharedStore::new(config.open_with(components.clone()).await?);
        self.0.open(engine, components).await
    }
}

mod both_and_cache_over_memory {
    use super::*;

    conformance!(OverMemory(Layers::BothAndCache));
}

mod compress_over_fjall {
    use super::*;

    conformance!(OverFjall(Layers::Compress, directory()));
}

mod expiry_over_fjall {
    use super::*;

    conformance!(OverFjall(Layers::Expiry, directory()));
}

mod both_over_fjall {
    use super::*;

    conformance!(OverFjall(Layers::Both, directory()));
}

mod both_and_cache_over_fjall {
    use super::*;

    conformance!(OverFjall(Layers::BothAndCache, directory()));
}

mod compress_over_sqlite {
    use super::*;

    conformance!(OverSqlite(Layers::Compress, directory()));
}

mod expiry_over_sqlite {
    use super::*;

    conformance!(OverSqlite(Layers::Expiry, directory()));
}

mod both_over_sqlite {
    use super::*;

    conformance!(OverSqlite(Layers::Both, directory()));
}

mod both_over_faults {
    use super::*;
    use storage::Stack;

    storage_testkit::survives_faults!(|below, components| async move {
        Stack::on(below)
            .with(compress())
            .with(expiry())
            .components(components)
            .open()
            .await
    });
}
