//! How blocks are compressed, and where indexes are kept.

use serde::{Deserialize, Serialize};

/// How blocks or large values are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// LZ4: costs next to nothing.
    #[default]
    Lz4,
    /// Zstandard at its default level: about a third smaller than LZ4, several
    /// times slower to write and to read.
    Zstd,
}

/// Where the indexes and filters of sorted files are kept. Together they take
/// about 2 % of the data; with keys or values of a few bytes, more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IndexMemory {
    /// Whole, beside the block cache, for as long as their file is open. No read
    /// waits for one, and their memory grows with the data, bounded by
    /// `open_files_max` alone.
    #[default]
    Resident,
    /// In parts, within the block cache, of which half is kept for them. Memory
    /// is bounded by `cache_bytes`; a read may wait for a part of an index.
    Cached,
}
