//! Large values in files of their own.

use serde::{Deserialize, Serialize};

use super::Compression;

/// How large values are kept.
///
/// A value in a blob file is written once and not again by each merge of its
/// key, so large values wear the disk less and are written faster. A read takes
/// one more look at the disk, and so does each entry of a scan, of keys alone
/// too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BlobConfig {
    /// Values of at least so many bytes go to blob files. Default: 32 KiB.
    pub value_bytes_min: u64,
    /// How large a blob file grows, in bytes; at least 1 MiB. Default: 256 MiB.
    pub file_bytes: u64,
    /// How values in blob files are compressed. Default: LZ4.
    pub compression: Compression,
    /// The oldest blob files, so many of a hundred, are cleared of deleted
    /// values when their keys are merged; at most 100. Default: 25. More gives
    /// space back sooner, and rewrites more.
    pub collected_percent: u8,
}

impl Default for BlobConfig {
    fn default() -> Self {
        Self {
            value_bytes_min: 32 << 10,
            file_bytes: 256 << 20,
            compression: Compression::Lz4,
            collected_percent: 25,
        }
    }
}
