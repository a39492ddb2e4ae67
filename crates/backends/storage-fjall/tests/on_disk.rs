//! The suite of stores on disk over fjall.

use std::path::Path;

use storage_core::{Components, Result};
use storage_fjall::{FjallBackend, FjallConfig};
use storage_testkit::on_disk::OnDisk;

struct Fjall;

impl OnDisk for Fjall {
    type Store = FjallBackend;
    const ENGINE: &'static str = "fjall";
    const FORMAT_VERSION: u32 = 1;
    const DISK_BYTES: u64 = 1 << 20;

    async fn open(&self, directory: &Path, components: Components) -> Result<FjallBackend> {
        let mut config = FjallConfig::new(directory);
        config.write_buffer_bytes = 1 << 20;
        config.open_with(components).await
    }
}

storage_testkit::on_disk!(Fjall);
