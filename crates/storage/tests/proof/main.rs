//! What stacks promise when their process dies or the power goes: compression and
//! expiry together, over fjall and over SQLite.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use storage::{
    Components, ErasedStack, Result, SharedStore,
    compress::{CompressConfig, CompressLayer},
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
    .run()
}

async fn layered(engine: SharedStore, components: Components) -> Result<SharedStore> {
    // Every value is tried, and whatever may expire does while others write.
    let expiry = ExpiryConfig::new().sweep_every(Duration::from_millis(5));
    ErasedStack::on(engine)
        .with(CompressLayer::new(CompressConfig::new().bytes_min(1)))
        .with(ExpiryLayer::new(expiry))
        .components(components)
        .open()
        .await
}
