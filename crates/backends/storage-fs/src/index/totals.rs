//! What all entries of an index come to.

use crate::{Codec, version::Version};

/// Most file systems give files room in blocks of so many bytes.
const BLOCK_BYTES: u64 = 4_096;

/// Sums over entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) entries: u64,
    /// Entries whose value has a file.
    pub(crate) files: u64,
    /// The bytes of all values.
    pub(crate) value_bytes: u64,
    /// The bytes of all files.
    pub(crate) file_bytes: u64,
    /// The bytes of all files, in whole blocks.
    pub(crate) block_bytes: u64,
    pub(crate) compressed: Compressed,
}

/// Sums over the files that are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compressed {
    pub(crate) files: u64,
    pub(crate) value_bytes: u64,
    pub(crate) file_bytes: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, version: &Version) {
        self.include(&Self::of(version), u64::wrapping_add);
    }

    pub(crate) fn subtract(&mut self, version: &Version) {
        self.include(&Self::of(version), u64::wrapping_sub);
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        self.include(other, u64::wrapping_add);
    }

    fn of(version: &Version) -> Self {
        let mut totals = Self {
            entries: 1,
            ..Self::default()
        };
        if let Some(file) = version.file() {
            totals.files = 1;
            totals.value_bytes = file.value_bytes;
            totals.file_bytes = file.bytes;
            totals.block_bytes = file.bytes.div_ceil(BLOCK_BYTES).wrapping_mul(BLOCK_BYTES);
            if file.codec != Codec::None {
                totals.compressed = Compressed {
                    files: 1,
                    value_bytes: file.value_bytes,
                    file_bytes: file.bytes,
                };
            }
        }
        totals
    }

    /// What is subtracted was added before, so nothing wraps but what damaged
    /// lengths add up to.
    fn include(&mut self, other: &Self, with: impl Fn(u64, u64) -> u64) {
        let pairs = [
            (&mut self.entries, other.entries),
            (&mut self.files, other.files),
            (&mut self.value_bytes, other.value_bytes),
            (&mut self.file_bytes, other.file_bytes),
            (&mut self.block_bytes, other.block_bytes),
            (&mut self.compressed.files, other.compressed.files),
            (
                &mut self.compressed.value_bytes,
                other.compressed.value_bytes,
            ),
            (&mut self.compressed.file_bytes, other.compressed.file_bytes),
        ];
        for (mine, others) in pairs {
            *mine = with(*mine, others);
        }
    }
}
