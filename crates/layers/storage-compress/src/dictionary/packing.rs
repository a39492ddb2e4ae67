//! Compressing with dictionaries, with working memory that is kept between values.

use std::io;

use storage_core::Kept;
use zstd::zstd_safe::{self, CCtx, DCtx, compress_bound};

use super::Dictionary;

/// What every zstd frame begins with. It is left out, being four bytes of a hundred.
const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();

/// Packs values and unpacks them, on many threads at once.
#[derive(Debug)]
pub(crate) struct Packing {
    level: i32,
    /// With room for what is made.
    compressing: Kept<(CCtx<'static>, Vec<u8>)>,
    /// With room for a frame that has its beginning again.
    decompressing: Kept<(DCtx<'static>, Vec<u8>)>,
}

impl Packing {
    pub(crate) fn new(level: i32) -> Self {
        Self {
            level,
            compressing: Kept::default(),
            decompressing: Kept::default(),
        }
    }

    /// Whether the codec can compress with a dictionary: a sound row may hold anything.
    pub(crate) fn understands(&self, dictionary: &Dictionary) -> bool {
        dictionary.compressing(self.level).is_ok()
    }

    /// What `then` makes of the compressed value.
    ///
    /// # Errors
    /// What the codec reports, such as too little memory.
    pub(crate) fn pack<T>(
        &self,
        dictionary: &Dictionary,
        value: &[u8],
        then: impl FnOnce(&[u8]) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let prepared = dictionary.compressing(self.level)?;
        let make = || Ok((CCtx::try_create().ok_or_else(no_memory)?, Vec::new()));
        self.compressing.lend(make, |(context, packed)| {
            packed.clear();
            packed.reserve(compress_bound(value.len()));
            context
                .compress_using_cdict(packed, value, prepared)
                .map_err(reported)?;
            Ok(packed.strip_prefix(&MAGIC).and_then(then))
        })
    }

    /// The value of `length` bytes that was packed.
    ///
    /// # Errors
    /// What is wrong with `packed`; also if the value is not as long as it should be.
    pub(crate) fn unpack(
        &self,
        dictionary: &Dictionary,
        packed: &[u8],
        length: usize,
    ) -> io::Result<Vec<u8>> {
        let prepared = dictionary.decompressing()?;
        let mut value = Vec::new();
        value.try_reserve_exact(length)?;
        let make = || Ok((DCtx::try_create().ok_or_else(no_memory)?, Vec::new()));
        self.decompressing.lend(make, |(context, frame)| {
            frame.clear();
            frame.extend_from_slice(&MAGIC);
            frame.extend_from_slice(packed);
            let done = context.decompress_using_ddict(&mut value, frame, prepared);
            if frame.capacity() > FRAME_BYTES_KEPT_MAX {
                *frame = Vec::new();
            }
            done.map_err(reported)
        })?;
        if value.len() == length {
            return Ok(value);
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the value is longer or shorter than it was",
        ))
    }
}

/// Room for longer frames is not kept.
const FRAME_BYTES_KEPT_MAX: usize = 1 << 20;

fn no_memory() -> io::Error {
    io::ErrorKind::OutOfMemory.into()
}

fn reported(code: usize) -> io::Error {
    io::Error::other(zstd_safe::get_error_name(code))
}
