//! Opening a RocksDB store.

mod blobs;
mod compression;
mod defaults;
mod log;
mod validation;

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};
use storage_core::{Components, Result, embedded::Embedded};

pub use self::{
    blobs::BlobConfig,
    compression::{Compression, IndexMemory},
    log::WriteAheadLog,
};
use crate::{RocksBackend, RocksEngine};

/// Where a RocksDB store is and how much it may use.
///
/// Everything but the path may differ from one open to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RocksConfig {
    /// The directory of the store. Made if it is missing.
    pub path: PathBuf,
    /// Memory for blocks of the files and for large values, in bytes; at least
    /// 1 MiB. Default: 64 MiB. More keeps more reads off the disk; what is in
    /// here is read without leaving the caller's thread.
    #[serde(default = "defaults::cache_bytes")]
    pub cache_bytes: usize,
    /// Where indexes and filters are kept. Default: [`IndexMemory::Resident`].
    #[serde(default)]
    pub index_memory: IndexMemory,
    /// Bits of the Bloom filter for each key; 0 for none, at most 64. Default:
    /// 10, by which 1 % of the files that do not hold a key are read for it all
    /// the same. Each 5 bits more divide that by ten.
    #[serde(default = "defaults::bloom_bits_per_key")]
    pub bloom_bits_per_key: u8,
    /// How much of a file is read at once, in bytes before compression; 1 KiB to
    /// 16 MiB. Default: 4 KiB. More means smaller indexes, better compression,
    /// and more work for a read of a single key.
    #[serde(default = "defaults::block_bytes")]
    pub block_bytes: u32,
    /// How much is gathered in memory before it is written to a sorted file, in
    /// bytes; at least 64 KiB. Default: 64 MiB. More means fewer and larger
    /// files, and a longer open after a crash.
    #[serde(default = "defaults::write_buffer_bytes")]
    pub write_buffer_bytes: usize,
    /// How many write buffers there may be, full ones that wait to be written
    /// among them; at least 2. Default: 3. When all are full, writes wait.
    #[serde(default = "defaults::write_buffers_max")]
    pub write_buffers_max: NonZeroU32,
    /// The write-ahead log. Default: [`WriteAheadLog::On`].
    #[serde(default)]
    pub log: WriteAheadLog,
    /// How large the log may grow, in bytes. Default: 256 MiB. A log is kept
    /// until its write buffer is in a sorted file, so write buffers are smaller
    /// than [`write_buffer_bytes`](Self::write_buffer_bytes) where all of them
    /// together would take more; each must still have 64 KiB. The buffer that is
    /// being filled, or a single large commit, may exceed the limit for a while.
    #[serde(default = "defaults::log_bytes_max")]
    pub log_bytes_max: u64,
    /// How blocks are compressed, level by level from the newest down; the last
    /// one serves all levels below. One to seven. Default: none for the newest,
    /// which is soon merged, and LZ4 below.
    #[serde(default = "defaults::compression")]
    pub compression: Vec<Compression>,
    /// Keeps large values in files of their own, which merges do not rewrite.
    /// Default: from 32 KiB on. `None` keeps all values with their keys.
    #[serde(default = "defaults::blobs")]
    pub blobs: Option<BlobConfig>,
    /// Threads that write and merge files; at least 2. They are shared by all
    /// RocksDB stores of the process. Default: one a core, 2 to 4.
    #[serde(default = "defaults::background_jobs")]
    pub background_jobs: NonZeroUsize,
    /// How many sorted files are kept open; at least 20. Default: 512, which
    /// leaves room below the usual limit of 1,024 for a process. `None` keeps
    /// all open, so that reads need not look for them, and takes a limit
    /// (`ulimit -n`) beyond the number of files: about one for each 64 MiB.
    #[serde(default = "defaults::open_files_max")]
    pub open_files_max: Option<u32>,
}

impl RocksConfig {
    /// A store at `path`, with default settings.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            cache_bytes: defaults::cache_bytes(),
            index_memory: IndexMemory::default(),
            bloom_bits_per_key: defaults::bloom_bits_per_key(),
            block_bytes: defaults::block_bytes(),
            write_buffer_bytes: defaults::write_buffer_bytes(),
            write_buffers_max: defaults::write_buffers_max(),
            log: WriteAheadLog::default(),
            log_bytes_max: defaults::log_bytes_max(),
            compression: defaults::compression(),
            blobs: defaults::blobs(),
            background_jobs: defaults::background_jobs(),
            open_files_max: defaults::open_files_max(),
        }
    }

    /// Opens the store; makes one in a missing or empty directory.
    ///
    /// # Errors
    /// `Invalid` for a setting out of bounds, a path that is not a directory,
    /// or a directory that is no RocksDB store; `Unavailable` while another
    /// process has it open; `Unsupported` for a newer format; `Corrupt` for
    /// damaged files, and where commits that were synced are gone; `Denied` and
    /// `Full` from the operating system.
    pub async fn open(self) -> Result<RocksBackend> {
        self.open_with(Components::default()).await
    }

    /// Opens the store with the given clock and threads.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_with(self, components: Components) -> Result<RocksBackend> {
        Embedded::open(components, move || RocksEngine::open(&self.validated()?)).await
    }
}

impl RocksConfig {
    /// What RocksDB is told by these settings, to compare a store with RocksDB as
    /// it is. A database that is opened with them is made if it is missing.
    ///
    /// # Errors
    /// `Invalid` for a setting out of bounds.
    pub fn options(&self) -> Result<rocksdb::Options> {
        crate::options::options(&self.clone().validated()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let error =
            serde_json::from_str::<RocksConfig>(r#"{"path": "x", "cache": 1}"#).unwrap_err();
        assert!(error.to_string().contains("`cache`"), "{error}");
    }

    #[test]
    fn settings_left_out_have_their_defaults() {
        let config: RocksConfig = serde_json::from_str(r#"{"path": "x"}"#).unwrap();
        assert_eq!(config, RocksConfig::new("x"));
    }

    #[test]
    fn settings_are_written_as_the_documentation_has_them() {
        let config: RocksConfig = serde_json::from_str(
            r#"{
                "path": "x",
                "index_memory": "cached",
                "log": { "periodic": { "interval": { "secs": 1, "nanos": 0 }, "bytes": 1048576 } },
                "compression": ["none", "lz4", "zstd"],
                "blobs": { "value_bytes_min": 1024 },
                "open_files_max": null
            }"#,
        )
        .unwrap();
        assert_eq!(config.index_memory, IndexMemory::Cached);
        assert!(matches!(
            config.log,
            WriteAheadLog::Periodic {
                bytes: 1_048_576,
                ..
            }
        ));
        assert_eq!(config.compression.last(), Some(&Compression::Zstd));
        assert_eq!(config.blobs.map(|blobs| blobs.value_bytes_min), Some(1_024));
        assert_eq!(config.open_files_max, None);
    }
}
