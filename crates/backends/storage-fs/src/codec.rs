//! How value files are compressed: not at all, or in a format whose own tools
//! read them.

use std::{
    borrow::Cow,
    io::{self, Read, Write},
};

use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use lz4_flex::frame::{FrameDecoder, FrameEncoder, FrameInfo};
use serde::{Deserialize, Serialize};
use storage_core::Kept;
use zstd::bulk;

use crate::{FsConfig, wire::as_u64};

/// The format of a value file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Codec {
    /// The value itself.
    #[default]
    None,
    /// Read by `zcat`; levels 0 to 9.
    Gzip,
    /// Read by `zstdcat`; levels 1 to 22. Mostly the best choice.
    Zstd,
    /// Read by `lz4cat`; the fastest, without levels.
    Lz4,
}

impl Codec {
    /// How the names of such files end.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
            Self::Lz4 => ".lz4",
        }
    }

    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Zstd => 2,
            Self::Lz4 => 3,
        }
    }

    pub(crate) const fn of_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Zstd),
            3 => Some(Self::Lz4),
            _ => None,
        }
    }
}

/// Makes value files of values, on many threads at once.
#[derive(Debug)]
pub(crate) struct Encoder {
    bytes_min: usize,
    method: Method,
}

#[derive(Debug)]
enum Method {
    None,
    Gzip(Compression),
    Zstd(i32, Kept<bulk::Compressor<'static>>),
    Lz4,
}

impl Encoder {
    const GZIP_LEVEL: u32 = 6;
    const ZSTD_LEVEL: i32 = 1;

    pub(crate) fn of(config: &FsConfig) -> io::Result<Self> {
        let bytes_min = usize::try_from(config.compress_bytes_min).unwrap_or(usize::MAX);
        Self::new(config.codec, config.level, bytes_min)
    }

    /// Compresses values of at least `bytes_min` bytes.
    ///
    /// # Errors
    /// `InvalidInput` for a level that the codec does not have.
    pub(crate) fn new(codec: Codec, level: Option<i32>, bytes_min: usize) -> io::Result<Self> {
        let method = match (codec, level) {
            (Codec::None, None) => Method::None,
            (Codec::Lz4, None) => Method::Lz4,
            (Codec::Gzip, None) => Method::Gzip(Compression::new(Self::GZIP_LEVEL)),
            (Codec::Gzip, Some(level @ 0..=9)) => {
                Method::Gzip(Compression::new(level.unsigned_abs()))
            }
            (Codec::Zstd, None) => Method::Zstd(Self::ZSTD_LEVEL, Kept::default()),
            (Codec::Zstd, Some(level @ 1..=22)) => Method::Zstd(level, Kept::default()),
            (_, Some(_)) => return Err(io::ErrorKind::InvalidInput.into()),
        };
        Ok(Self { bytes_min, method })
    }

    /// The content of the file of `value`. A value that compressing makes less
    /// than an eighth smaller stays as it is.
    pub(crate) fn encode<'a>(&self, value: &'a [u8]) -> io::Result<(Codec, Cow<'a, [u8]>)> {
        if value.len() < self.bytes_min {
            return Ok((Codec::None, Cow::Borrowed(value)));
        }
        let (codec, encoded) = match &self.method {
            Method::None => return Ok((Codec::None, Cow::Borrowed(value))),
            Method::Gzip(level) => (Codec::Gzip, gzip(value, *level)?),
            Method::Zstd(level, compressors) => {
                let encoded =
                    compressors.lend(|| zstd_compressor(*level), |it| it.compress(value))?;
                (Codec::Zstd, encoded)
            }
            Method::Lz4 => (Codec::Lz4, lz4(value)?),
        };
        let saves_enough = encoded.len() <= value.len() - value.len() / 8;
        Ok(if saves_enough {
            (codec, Cow::Owned(encoded))
        } else {
            (Codec::None, Cow::Borrowed(value))
        })
    }
}

/// Makes values of value files.
#[derive(Default)]
pub(crate) struct Decoder {
    zstd: Kept<bulk::Decompressor<'static>>,
}

impl Decoder {
    /// The value of `bytes` bytes whose file holds `encoded`.
    ///
    /// # Errors
    /// Whatever is wrong with the file; also if the value is not as long as it
    /// should be, before more than that is made of it.
    pub(crate) fn decode(&self, codec: Codec, encoded: Vec<u8>, bytes: u64) -> io::Result<Vec<u8>> {
        let value = match codec {
            Codec::None => encoded,
            Codec::Gzip => read_whole(GzDecoder::new(&*encoded), bytes)?,
            Codec::Lz4 => read_whole(FrameDecoder::new(&*encoded), bytes)?,
            Codec::Zstd => self.zstd(&encoded, bytes)?,
        };
        if as_u64(value.len()) == bytes {
            Ok(value)
        } else {
            Err(wrong_length())
        }
    }

    fn zstd(&self, encoded: &[u8], bytes: u64) -> io::Result<Vec<u8>> {
        let capacity = usize::try_from(bytes).map_err(io::Error::other)?;
        self.zstd.lend(bulk::Decompressor::new, |decompressor| {
            decompressor.decompress(encoded, capacity)
        })
    }
}

fn zstd_compressor(level: i32) -> io::Result<bulk::Compressor<'static>> {
    let mut compressor = bulk::Compressor::new(level)?;
    // For those who read the file without this engine.
    compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true))?;
    Ok(compressor)
}

fn gzip(value: &[u8], level: Compression) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(value)?;
    encoder.finish()
}

fn lz4(value: &[u8]) -> io::Result<Vec<u8>> {
    let info = FrameInfo::new()
        .content_size(Some(as_u64(value.len())))
        .content_checksum(true);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(value)?;
    encoder.finish().map_err(io::Error::other)
}

/// Reads to the end, which must come after `bytes` bytes.
fn read_whole(reader: impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut value = Vec::new();
    // Checksums are checked where the end is met.
    let read = reader
        .take(bytes.saturating_add(1))
        .read_to_end(&mut value)?;
    if as_u64(read) > bytes {
        return Err(wrong_length());
    }
    Ok(value)
}

fn wrong_length() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the value is longer or shorter than it was",
    )
}

#[cfg(test)]
mod tests {
    use storage_core::{Random, SeededRandom};

    use super::*;

    const CODECS: [Codec; 3] = [Codec::Gzip, Codec::Zstd, Codec::Lz4];

    fn file(codec: Codec, value: &[u8]) -> Vec<u8> {
        let encoder = Encoder::new(codec, None, 0).unwrap();
        let (used, file) = encoder.encode(value).unwrap();
        assert_eq!(used, codec);
        file.into_owned()
    }

    #[test]
    fn values_are_decoded_as_they_were_encoded() {
        let decoder = Decoder::default();
        let value = b"in the beginning ".repeat(1_000);
        for codec in CODECS {
            let file = file(codec, &value);
            assert!(file.len() < value.len() / 8);
            for _ in 0..3 {
                let again = decoder.decode(codec, file.clone(), 17_000).unwrap();
                assert!(again == value, "{codec:?}");
            }
        }
    }

    #[test]
    fn what_hardly_gets_smaller_or_is_small_stays_as_it_is() {
        let mut noise = vec![0; 5_000];
        SeededRandom::new(2).fill(&mut noise).unwrap();
        for codec in CODECS {
            let encoder = Encoder::new(codec, None, 100).unwrap();
            assert_eq!(
                encoder.encode(&noise).unwrap(),
                (Codec::None, (&*noise).into())
            );
            assert_eq!(encoder.encode(&[0; 99]).unwrap().0, Codec::None);
            assert_eq!(encoder.encode(&[0; 100]).unwrap().0, codec);
        }
    }

    #[test]
    fn a_file_that_says_more_or_less_than_it_should_is_refused() {
        let decoder = Decoder::default();
        for codec in CODECS {
            let file = file(codec, &vec![7; 1 << 20]);
            for bytes in [0, 100, (1 << 20) - 1, (1 << 20) + 1] {
                assert!(decoder.decode(codec, file.clone(), bytes).is_err());
            }
            let cut = file[..file.len() - 1].to_vec();
            assert!(decoder.decode(codec, cut, 1 << 20).is_err(), "{codec:?}");
        }
    }

    #[test]
    fn a_level_that_a_codec_does_not_have_is_refused() {
        for (codec, level) in [
            (Codec::None, 1),
            (Codec::Lz4, 1),
            (Codec::Gzip, 10),
            (Codec::Gzip, -1),
            (Codec::Zstd, 0),
            (Codec::Zstd, 23),
        ] {
            assert!(Encoder::new(codec, Some(level), 0).is_err(), "{codec:?}");
        }
        for (codec, level) in [(Codec::Gzip, 0), (Codec::Gzip, 9), (Codec::Zstd, 22)] {
            assert!(Encoder::new(codec, Some(level), 0).is_ok(), "{codec:?}");
        }
    }
}
