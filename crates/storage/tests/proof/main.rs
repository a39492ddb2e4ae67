//! What stacks promise when their process dies or the power goes: compression and
//! expiry together, over fjall and over SQLite, and with deduplication between them.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use storage::{
    Components, ErasedStack, Result, SharedStore,
    compress::{CompressConfig, CompressLayer},
    dedup::{CollectConfig, CutConfig, DedupConfig, DedupLayer},
    expiry::{ExpiryConfig, ExpiryLayer},
    fjall::FjallConfig,
    sqlite::SqliteConfig,
};
use storage_testkit::proof::Program;

fn main() -> ExitCode {
    Program::new(
        "fjall",
        |directory: PathBuf, components: Components| async {
            let engine = FjallConfig::new(directory)
                .open_with(components.clone())
                .await?;
            layered(SharedStore::new(engine), components).await
        },
    )
    .subject(
        "sqlite",
        |directory: PathBuf, components: Components| async {
            let engine = SqliteConfig::new(directory)
                .open_with(components.clone())
                .await?;
            layered(SharedStore::new(engine), components).await
        },
    )
    .subject("dedup", deduplicated)
    .run()
}

/// Every value is a chunk, and what nobody refers to is removed at once.
async fn deduplicated(directory: PathBuf, components: Components) -> Result<SharedStore> {
    let engine = FjallConfig::new(directory)
        .open_with(components.clone())
        .await?;
    let collect = CollectConfig::new()
        .every(Duration::from_millis(5))
        .grace(Duration::ZERO)
        .chunks_per_second_max(u32::MAX);
    let dedup = DedupConfig::new()
        .bytes_min(1)
        .cut(CutConfig::of(64, 256, 1_024))
        .collect(collect);
    ErasedStack::on(SharedStore::new(engine))
        .with(compress())
        .with(DedupLayer::new(dedup))
        .with(expiry())
        .components(components)
        .open()
        .await
}

async fn layered(engine: SharedStore, components: Components) -> Result<SharedStore> {
    ErasedStack::on(engine)
        .with(compress())
        .with(expiry())
        .components(components)
        .open()
        .await
}

/// Every value is tried.
fn compress() -> CompressLayer {
    CompressLayer::new(CompressConfig::new().bytes_min(1))
}

/// Whatever may expire does while others write.
fn expiry() -> ExpiryLayer {
    ExpiryLayer::new(ExpiryConfig::new().sweep_every(Duration::from_millis(5)))
}
