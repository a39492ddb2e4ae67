//! What SQLite promises when its process dies or the power goes.

use std::{path::PathBuf, process::ExitCode};

use storage_core::{Components, Result, SharedStore};
use storage_sqlite::{AutoVacuum, SqliteConfig};
use storage_testkit::proof::{Program, Unsynced};

/// So small that the log begins anew many times in a round.
const CHECKPOINT_BYTES: u64 = 64 << 10;

fn main() -> ExitCode {
    Program::new("sqlite", open)
        .subject("sqlite_checkpointing", |directory, components| async {
            let mut config = SqliteConfig::new(directory);
            config.checkpoint_bytes = CHECKPOINT_BYTES;
            Ok(SharedStore::new(config.open_with(components).await?))
        })
        .subject("sqlite_small_pages", |directory, components| async {
            let mut config = SqliteConfig::new(directory);
            config.page_bytes = 512;
            config.checkpoint_bytes = CHECKPOINT_BYTES;
            config.auto_vacuum = AutoVacuum::Full;
            Ok(SharedStore::new(config.open_with(components).await?))
        })
        .subject_broken_by_power_loss("says_that_it_syncs", |directory, components| async {
            let store = open(directory, components).await?;
            Ok(SharedStore::new(Unsynced::new(store)))
        })
        .run()
}

async fn open(directory: PathBuf, components: Components) -> Result<SharedStore> {
    let store = SqliteConfig::new(directory).open_with(components).await?;
    Ok(SharedStore::new(store))
}
