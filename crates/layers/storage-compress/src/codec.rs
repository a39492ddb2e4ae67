//! The codecs, with working memory that is kept between values.

use std::{io, ops::RangeInclusive};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use lz4_flex::block;
use serde::{Deserialize, Serialize};
use storage_core::Kept;
use zstd::{bulk, zstd_safe::compress_bound};

use crate::form::Method;

/// What values are compressed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Codec {
    /// Nothing: values are stored as they are. What was compressed is read.
    None,
    /// Mostly the best choice; levels 1 to 22.
    #[default]
    Zstd,
    /// The fastest, without levels.
    Lz4,
    /// Deflate, which is what gzip files hold; levels 0 to 9.
    Gzip,
}

impl Codec {
    pub(crate) const fn levels(self) -> RangeInclusive<i32> {
        match self {
            // Empty: there is none.
            Self::None | Self::Lz4 => RangeInclusive::new(1, 0),
            Self::Zstd => 1..=22,
            Self::Gzip => 0..=9,
        }
    }
}

/// Working memory of more bytes is not kept.
const KEPT_BYTES_MAX: usize = 2 << 20;

/// Compresses, on many threads at once.
#[derive(Debug)]
pub(crate) enum Packer {
    None,
    Zstd(i32, Kept<(bulk::Compressor<'static>, Vec<u8>)>),
    Lz4(Kept<Vec<u8>>),
    Gzip(Compression, Kept<(Compress, Vec<u8>)>),
}

impl Packer {
    const GZIP_LEVEL: u32 = 6;
    pub(crate) const ZSTD_LEVEL: i32 = 1;

    pub(crate) fn new(codec: Codec, level: Option<i32>) -> Self {
        match codec {
            Codec::None => Self::None,
            Codec::Zstd => Self::Zstd(level.unwrap_or(Self::ZSTD_LEVEL), Kept::default()),
            Codec::Lz4 => Self::Lz4(Kept::default()),
            Codec::Gzip => {
                let level = level.map_or(Self::GZIP_LEVEL, i32::unsigned_abs);
                Self::Gzip(Compression::new(level), Kept::default())
            }
        }
    }

    /// How values are stored that this makes smaller.
    pub(crate) const fn method(&self) -> Method {
        match self {
            Self::None => Method::Raw,
            Self::Zstd(..) => Method::Zstd,
            Self::Lz4(_) => Method::Lz4,
            Self::Gzip(..) => Method::Gzip,
        }
    }

    /// What `then` makes of the compressed value; `None` if it did not get smaller.
    ///
    /// # Errors
    /// What the codec reports, such as too little memory.
    pub(crate) fn pack<T>(
        &self,
        value: &[u8],
        then: impl FnOnce(&[u8]) -> Option<T>,
    ) -> io::Result<Option<T>> {
        match self {
            Self::None => Ok(None),
            Self::Zstd(level, kept) => {
                let make = || Ok((bulk::Compressor::new(*level)?, Vec::new()));
                kept.lend(make, |(compressor, packed)| {
                    let packed = Room::empty(packed);
                    packed.0.reserve(compress_bound(value.len()));
                    let done = compressor.compress_to_buffer(value, packed.0);
                    if compressor.context_mut().sizeof() > KEPT_BYTES_MAX {
                        // What it has taken is given back only with it.
                        *compressor = bulk::Compressor::new(*level)?;
                    }
                    done?;
                    Ok(then(packed.0))
                })
            }
            Self::Lz4(kept) => kept.lend(
                || Ok(Vec::new()),
                |packed| {
                    // Of what is there, nothing is zeroed again.
                    let packed = Room(packed);
                    packed
                        .0
                        .resize(block::get_maximum_output_size(value.len()), 0);
                    let length = block::compress_into(value, packed.0).map_err(io::Error::other)?;
                    packed.0.truncate(length);
                    Ok(then(packed.0))
                },
            ),
            Self::Gzip(level, kept) => {
                let make = || Ok((Compress::new(*level, false), Vec::new()));
                kept.lend(make, |(deflate, packed)| {
                    deflate.reset();
                    let packed = Room::empty(packed);
                    // More would not be smaller.
                    packed.0.reserve(value.len());
                    let status = deflate.compress_vec(value, packed.0, FlushCompress::Finish)?;
                    Ok(match status {
                        Status::StreamEnd => then(packed.0),
                        Status::Ok | Status::BufError => None,
                    })
                })
            }
        }
    }
}

/// Room to compress to, given back when it is dropped if it is too much to be kept.
struct Room<'a>(&'a mut Vec<u8>);

impl<'a> Room<'a> {
    fn empty(room: &'a mut Vec<u8>) -> Self {
        room.clear();
        Self(room)
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if self.0.capacity() > KEPT_BYTES_MAX {
            *self.0 = Vec::new();
        }
    }
}

/// Makes values of what packers made, on many threads at once.
#[derive(Debug, Default)]
pub(crate) struct Unpacker {
    zstd: Kept<bulk::Decompressor<'static>>,
    inflate: Kept<Decompress>,
}

impl Unpacker {
    /// The value of `length` bytes that was packed.
    ///
    /// # Errors
    /// What is wrong with `packed`; also if the value is not as long as it should be,
    /// before more than that is made of it.
    pub(crate) fn unpack(
        &self,
        method: Method,
        packed: &[u8],
        length: usize,
    ) -> io::Result<Vec<u8>> {
        check_expansion(method, packed, length)?;
        let mut value = Vec::new();
        value.try_reserve_exact(length)?;
        let is_whole = match method {
            Method::Raw => {
                value.extend_from_slice(packed);
                true
            }
            Method::Trained(_) => return Err(io::Error::other("it needs its dictionary")),
            Method::Zstd => self.zstd.lend(bulk::Decompressor::new, |zstd| {
                zstd.decompress_to_buffer(packed, &mut value).map(|_| true)
            })?,
            Method::Lz4 => {
                value.resize(length, 0);
                let written = block::decompress_into(packed, &mut value);
                value.truncate(written.map_err(io::Error::other)?);
                true
            }
            Method::Gzip => self.inflate.lend(
                || Ok::<_, io::Error>(Decompress::new(false)),
                |inflate| {
                    inflate.reset(false);
                    let status =
                        inflate.decompress_vec(packed, &mut value, FlushDecompress::Finish)?;
                    let is_read = usize::try_from(inflate.total_in()) == Ok(packed.len());
                    Ok(status == Status::StreamEnd && is_read)
                },
            )?,
        };
        if is_whole && value.len() == length {
            return Ok(value);
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the value is longer or shorter than it was",
        ))
    }
}

/// # Errors
/// If no value of that length was made so small: no room is made for it.
pub(crate) fn check_expansion(method: Method, packed: &[u8], length: usize) -> io::Result<()> {
    if length > packed.len().saturating_mul(expansion_max(method)) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "no value of that length was made so small",
        ));
    }
    Ok(())
}

/// The most bytes that a byte may stand for.
const fn expansion_max(method: Method) -> usize {
    match method {
        Method::Raw => 1,
        // A block of 128 KiB takes four bytes at least.
        Method::Zstd | Method::Trained(_) => (128 << 10) / 4,
        // Each byte more of a length.
        Method::Lz4 => 255,
        // 258 bytes take two bits at least.
        Method::Gzip => 1_032,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODECS: [Codec; 3] = [Codec::Zstd, Codec::Lz4, Codec::Gzip];

    fn packed(codec: Codec, value: &[u8]) -> (Method, Vec<u8>) {
        let packer = Packer::new(codec, None);
        let made = packer.pack(value, |made| Some(made.to_vec())).unwrap();
        (packer.method(), made.unwrap())
    }

    #[test]
    fn values_are_unpacked_as_they_were_packed() {
        let unpacker = Unpacker::default();
        let value = b"in the beginning ".repeat(1_000);
        for codec in CODECS {
            let (method, packed) = packed(codec, &value);
            assert!(packed.len() < value.len() / 8, "{codec:?}");
            for _ in 0..3 {
                let again = unpacker.unpack(method, &packed, 17_000).unwrap();
                assert!(again == value && again.capacity() == 17_000, "{codec:?}");
            }
        }
    }

    /// Noise that does not get smaller is an outcome of its own.
    #[test]
    fn much_working_memory_is_not_kept() {
        let mut state = 7_u64;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            state.to_be_bytes()[0]
        });
        let noise: Vec<_> = noise.take(KEPT_BYTES_MAX + 1).collect();
        for (codec, level) in [
            (Codec::Zstd, Some(16)),
            (Codec::Lz4, None),
            (Codec::Gzip, None),
        ] {
            let packer = Packer::new(codec, level);
            packer.pack(&noise, |_| None::<()>).unwrap();
            let kept = match &packer {
                Packer::None => 0,
                Packer::Zstd(_, kept) => kept
                    .lend(
                        || -> io::Result<_> { panic!() },
                        |(zstd, room)| Ok(zstd.context_mut().sizeof().max(room.capacity())),
                    )
                    .unwrap(),
                Packer::Lz4(kept) => kept
                    .lend(|| -> io::Result<_> { panic!() }, |room| Ok(room.capacity()))
                    .unwrap(),
                Packer::Gzip(_, kept) => kept
                    .lend(
                        || -> io::Result<_> { panic!() },
                        |(_, room)| Ok(room.capacity()),
                    )
                    .unwrap(),
            };
            assert!(kept <= KEPT_BYTES_MAX, "{codec:?}: {kept}");
        }
    }

    #[test]
    fn a_value_that_is_not_as_long_as_it_should_be_is_refused() {
        let unpacker = Unpacker::default();
        for codec in CODECS {
            let (method, packed) = packed(codec, &vec![7; 1 << 20]);
            for length in [0, 100, (1 << 20) - 1, (1 << 20) + 1] {
                assert!(
                    unpacker.unpack(method, &packed, length).is_err(),
                    "{codec:?} {length}"
                );
            }
            let cut = &packed[..packed.len() - 1];
            assert!(unpacker.unpack(method, cut, 1 << 20).is_err(), "{codec:?}");
            // A context that has seen an error goes on.
            assert!(
                unpacker.unpack(method, &packed, 1 << 20).is_ok(),
                "{codec:?}"
            );
        }
    }
}
