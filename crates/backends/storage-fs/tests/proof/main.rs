//! What a store of files promises when its process dies or the power goes.

use std::{path::PathBuf, process::ExitCode};

use storage_core::{Components, Result, SharedStore};
use storage_fs::{Codec, FsConfig, Settling};
use storage_testkit::proof::{Program, Unsynced};

fn main() -> ExitCode {
    Program::new("fs", open)
        .subject("fs_compacting", open_compacting)
        .subject("fs_file_by_file", open_file_by_file)
        .subject_broken_by_power_loss("says_that_it_syncs", |directory, components| async {
            let store = open(directory, components).await?;
            Ok(SharedStore::new(Unsynced::new(store)))
        })
        .run()
}

async fn open(directory: PathBuf, components: Components) -> Result<SharedStore> {
    let store = FsConfig::new(directory).open_with(components).await?;
    Ok(SharedStore::new(store))
}

/// A store that syncs no whole file system, and seldom rewrites its base.
async fn open_file_by_file(directory: PathBuf, components: Components) -> Result<SharedStore> {
    let mut config = FsConfig::new(directory);
    config.log_bytes_max = 64 << 10;
    config.settling = Settling::Files;
    Ok(SharedStore::new(config.open_with(components).await?))
}

/// A store that compresses all it can, and rewrites its base again and again.
async fn open_compacting(directory: PathBuf, components: Components) -> Result<SharedStore> {
    let mut config = FsConfig::new(directory);
    config.log_bytes_max = 4 << 10;
    config.codec = Codec::Zstd;
    config.compress_bytes_min = 0;
    Ok(SharedStore::new(config.open_with(components).await?))
}
