//! The suite of stores on disk over files.

use std::path::Path;

use storage_core::{Components, Result};
use storage_fs::{Codec, FsBackend, FsConfig};
use storage_testkit::on_disk::OnDisk;

mod plain {
    use super::*;

    struct Files;

    impl OnDisk for Files {
        type Store = FsBackend;
        const ENGINE: &'static str = "fs";
        const FORMAT_VERSION: u32 = 1;

        async fn open(&self, directory: &Path, components: Components) -> Result<FsBackend> {
            FsConfig::new(directory).open_with(components).await
        }
    }

    storage_testkit::on_disk!(Files);
}

mod compressed {
    use super::*;

    /// Compresses what it can, and rewrites its base often.
    struct Compressed;

    impl OnDisk for Compressed {
        type Store = FsBackend;
        const ENGINE: &'static str = "fs";
        const FORMAT_VERSION: u32 = 1;
        // What compresses well hardly fills a disk.
        const DISK_BYTES: u64 = 256 << 10;

        async fn open(&self, directory: &Path, components: Components) -> Result<FsBackend> {
            let mut config = FsConfig::new(directory);
            config.codec = Codec::Lz4;
            config.compress_bytes_min = 0;
            config.log_bytes_max = 16 << 10;
            config.open_with(components).await
        }
    }

    storage_testkit::on_disk!(Compressed);
}
