//! What RocksDB promises when its process dies or the power goes.

use std::{num::NonZeroU32, path::PathBuf, process::ExitCode, time::Duration};

use storage_core::{Components, Result, SharedStore};
use storage_rocks::{BlobConfig, IndexMemory, RocksConfig, WriteAheadLog};
use storage_testkit::proof::{Program, Unsynced};

fn main() -> ExitCode {
    Program::new("rocks", |directory, components| {
        open(RocksConfig::new(directory), components)
    })
    .subject("rocks_without_log", |directory, components| {
        open(without_log(directory), components)
    })
    .subject("rocks_tight", |directory, components| {
        open(tight(directory), components)
    })
    .subject_broken_by_power_loss("says_that_it_syncs", |directory, components| async {
        let store = open(RocksConfig::new(directory), components).await?;
        Ok(SharedStore::new(Unsynced::new(store)))
    })
    .run()
}

async fn open(config: RocksConfig, components: Components) -> Result<SharedStore> {
    Ok(SharedStore::new(config.open_with(components).await?))
}

fn without_log(directory: PathBuf) -> RocksConfig {
    let mut config = RocksConfig::new(directory);
    config.log = WriteAheadLog::Off;
    config
}

/// So little room that buffers are written to files, and files merged, again and
/// again while a round lasts, that most values are in blob files, and that the
/// log is synced in the background.
fn tight(directory: PathBuf) -> RocksConfig {
    let mut blobs = BlobConfig::default();
    blobs.value_bytes_min = 512;
    blobs.file_bytes = 1 << 20;
    blobs.collected_percent = 100;
    let mut config = RocksConfig::new(directory);
    config.cache_bytes = 1 << 20;
    config.index_memory = IndexMemory::Cached;
    config.write_buffer_bytes = 64 << 10;
    config.write_buffers_max = NonZeroU32::new(4).unwrap_or(NonZeroU32::MAX);
    config.log = WriteAheadLog::Periodic {
        interval: Duration::from_millis(20),
        bytes: 1 << 20,
    };
    config.blobs = Some(blobs);
    config.open_files_max = Some(20);
    config
}
