//! The suite of stores on disk over sled.

use std::path::Path;

use storage_core::{Components, Result};
use storage_sled::{SledBackend, SledConfig};
use storage_testkit::on_disk::OnDisk;

struct Sled;

impl OnDisk for Sled {
    type Store = SledBackend;
    const ENGINE: &'static str = "sled";
    const FORMAT_VERSION: u32 = 1;
    /// A few segments of the log.
    const DISK_BYTES: u64 = 14 << 20;

    async fn open(&self, directory: &Path, components: Components) -> Result<SledBackend> {
        let mut config = SledConfig::new(directory);
        config.cache_bytes = 16 << 20;
        config.open_with(components).await
    }
}

storage_testkit::on_disk!(Sled);
