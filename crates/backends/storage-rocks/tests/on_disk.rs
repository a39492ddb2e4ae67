//! The suite of stores on disk over RocksDB.

use std::path::Path;

use storage_core::{Components, Result};
use storage_rocks::{RocksBackend, RocksConfig};
use storage_testkit::on_disk::OnDisk;

struct Rocks;

impl OnDisk for Rocks {
    type Store = RocksBackend;
    const ENGINE: &'static str = "rocks";
    const FORMAT_VERSION: u32 = 1;

    async fn open(&self, directory: &Path, components: Components) -> Result<RocksBackend> {
        let mut config = RocksConfig::new(directory);
        config.write_buffer_bytes = 256 << 10;
        config.open_with(components).await
    }
}

storage_testkit::on_disk!(Rocks);
