//! What the layer has done since it was opened.

use std::time::Duration;

/// The figures of a layer. Values that were written and then not applied count, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompressStats {
    /// Values that were too short to be compressed.
    pub small: u64,
    /// Values that were not tried, since those before them did not get smaller.
    pub skipped: u64,
    /// Values that were not tried, since they look random.
    pub random: u64,
    /// Values that were tried in vain.
    pub unsaved: u64,
    /// The bytes of all values written.
    pub logical_bytes: u64,
    /// The bytes that they are stored in.
    pub stored_bytes: u64,
    /// Of zstd.
    pub zstd: CodecStats,
    /// Of lz4.
    pub lz4: CodecStats,
    /// Of gzip.
    pub gzip: CodecStats,
    /// Of zstd with dictionaries.
    pub dictionaries: DictionaryStats,
}

impl CompressStats {
    /// How many bytes of values one stored byte stands for; 1 before any is written.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        ratio(self.logical_bytes, self.stored_bytes)
    }
}

/// The figures of dictionaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DictionaryStats {
    /// Dictionaries that are in memory: those that were there when the layer was opened, if
    /// it was opened to train more, and those that were met or made since.
    pub known: u64,
    /// How often one was trained, in vain or not.
    pub trainings: u64,
    /// The time that training took.
    pub training: Duration,
    /// The bytes of the values that were compressed with one.
    pub logical_bytes: u64,
    /// The bytes that those are stored in.
    pub stored_bytes: u64,
    /// The values, and the time they took.
    pub codec: CodecStats,
}

impl DictionaryStats {
    /// How many bytes of the values that were compressed with a dictionary one stored byte
    /// stands for; 1 before any is written.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        ratio(self.logical_bytes, self.stored_bytes)
    }
}

/// The figures of one codec. Times are estimates: the clock is read for one value in 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodecStats {
    /// Values that it was tried on.
    pub tried: u64,
    /// Values that it made smaller.
    pub compressed: u64,
    /// The time that trying took.
    pub compressing: Duration,
    /// Values that were read back.
    pub decompressed: u64,
    /// The time that reading them back took.
    pub decompressing: Duration,
}

fn ratio(logical_bytes: u64, stored_bytes: u64) -> f64 {
    if stored_bytes == 0 {
        return 1.0;
    }
    as_f64(logical_bytes) / as_f64(stored_bytes)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a ratio for people needs no more than 52 bits"
)]
const fn as_f64(number: u64) -> f64 {
    number as f64
}
