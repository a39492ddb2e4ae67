//! What settings are where nothing else is asked for.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    thread,
};

use super::{BlobConfig, Compression};

pub(super) const fn cache_bytes() -> usize {
    64 << 20
}

pub(super) const fn bloom_bits_per_key() -> u8 {
    10
}

pub(super) const fn block_bytes() -> u32 {
    4 << 10
}

pub(super) const fn write_buffer_bytes() -> usize {
    64 << 20
}

pub(super) const fn write_buffers_max() -> NonZeroU32 {
    const THREE: NonZeroU32 = NonZeroU32::new(3).unwrap();
    THREE
}

pub(super) const fn log_bytes_max() -> u64 {
    256 << 20
}

pub(super) fn compression() -> Vec<Compression> {
    vec![Compression::None, Compression::Lz4]
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the setting may be left out, this is what it is then"
)]
pub(super) fn blobs() -> Option<BlobConfig> {
    Some(BlobConfig::default())
}

pub(super) fn background_jobs() -> NonZeroUsize {
    const LEAST: NonZeroUsize = NonZeroUsize::new(2).unwrap();
    const MOST: NonZeroUsize = NonZeroUsize::new(4).unwrap();
    thread::available_parallelism()
        .unwrap_or(LEAST)
        .clamp(LEAST, MOST)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the setting may be left out, this is what it is then"
)]
pub(super) const fn open_files_max() -> Option<u32> {
    Some(512)
}
