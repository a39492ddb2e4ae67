//! The conformance suite and the model test over files: alone, compressed and
//! compacted all the time, under a layer that passes everything on, and as a
//! shared store.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use storage_core::{Components, Result};
use storage_fs::{Codec, FsBackend, FsConfig, Settling};
use storage_testkit::{Subject, conformance};
use tempfile::TempDir;

/// A directory that lives as long as the test.
struct Directory(TempDir);

impl Directory {
    /// In memory, if there is such a place: many files are made and removed, and
    /// what a disk makes of that is not asked here.
    fn new() -> Self {
        let directory = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
        Self(directory.expect("a temporary directory"))
    }

    async fn open(&self, components: Components) -> Result<FsBackend> {
        FsConfig::new(self.0.path()).open_with(components).await
    }
}

struct Files(Directory);

impl Subject for Files {
    type Store = FsBackend;
    const ENGINE: &'static str = "fs";

    async fn open(&self, components: Components) -> Result<Self::Store> {
        self.0.open(components).await
    }
}

mod files {
    use super::*;

    conformance!(Files(Directory::new()));
}

mod compacted_files {
    use super::*;

    struct Compacted(Directory);

    impl Subject for Compacted {
        type Store = FsBackend;
        const ENGINE: &'static str = "fs";

        async fn open(&self, components: Components) -> Result<Self::Store> {
            let mut config = FsConfig::new(self.0.0.path());
            config.codec = Codec::Lz4;
            config.compress_bytes_min = 0;
            config.log_bytes_max = 4 << 10;
            config.settling = Settling::Files;
            config.open_with(components).await
        }
    }

    conformance!(Compacted(Directory::new()));
}

mod pass_through_over_files {
    use super::*;
    use storage_testkit::PassedThrough;

    conformance!(PassedThrough(Files(Directory::new())));
}

mod shared_files {
    use super::*;
    use storage_testkit::Shared;

    conformance!(Shared(Files(Directory::new())));
}
