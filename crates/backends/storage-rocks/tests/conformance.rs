//! The conformance suite and the model test over RocksDB: alone, under a layer
//! that passes everything on, as a shared store, and with other settings.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use storage_core::{Components, Result};
use storage_rocks::{BlobConfig, IndexMemory, RocksBackend, RocksConfig, WriteAheadLog};
use storage_testkit::{Subject, conformance};
use tempfile::TempDir;

/// A directory that lives as long as the test.
struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    fn config(&self) -> RocksConfig {
        RocksConfig::new(self.0.path())
    }

    async fn open(&self, components: Components) -> Result<RocksBackend> {
        self.config().open_with(components).await
    }
}

struct Rocks(Directory);

impl Subject for Rocks {
    type Store = RocksBackend;
    const ENGINE: &'static str = "rocks";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        self.0.open(components).await
    }
}

mod rocks {
    use super::*;

    conformance!(Rocks(Directory::new()));
}

mod rocks_without_log {
    use super::*;

    struct WithoutLog(Directory);

    impl Subject for WithoutLog {
        type Store = RocksBackend;
        const ENGINE: &'static str = "rocks";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            let mut config = self.0.config();
            config.log = WriteAheadLog::Off;
            config.open_with(components).await
        }
    }

    conformance!(WithoutLog(Directory::new()));
}

/// With so little room that much of what is read comes from files, most values
/// are in blob files, and writes are refused and repeated.
mod tight_rocks {
    use super::*;

    struct Tight(Directory);

    impl Subject for Tight {
        type Store = RocksBackend;
        const ENGINE: &'static str = "rocks";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            let mut blobs = BlobConfig::default();
            blobs.value_bytes_min = 100;
            let mut config = self.0.config();
            config.cache_bytes = 1 << 20;
            config.index_memory = IndexMemory::Cached;
            config.write_buffer_bytes = 64 << 10;
            config.blobs = Some(blobs);
            config.open_files_max = Some(20);
            config.open_with(components).await
        }
    }

    conformance!(Tight(Directory::new()));
}

mod pass_through_over_rocks {
    use super::*;
    use storage_testkit::PassedThrough;

    conformance!(PassedThrough(Rocks(Directory::new())));
}

mod shared_rocks {
    use super::*;
    use storage_testkit::Shared;

    conformance!(Shared(Rocks(Directory::new())));
}
