//! What all values of the layer have in common: a version before, a checksum behind.

use bytes::Bytes;
use storage_core::{Error, ErrorKind, Result};

/// The version that is written, and the newest that is read.
const VERSION: u8 = 1;

/// A checksum, CRC-32, at the end.
const CHECKSUM_BYTES: usize = size_of::<u32>();

/// A value with this content.
pub(super) fn seal(content: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(1 + content.len() + CHECKSUM_BYTES);
    bytes.push(VERSION);
    bytes.extend_from_slice(content);
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    bytes.into()
}

/// The content of a value. The checksum is looked at first: it stands where it does
/// in all versions, so damage is not taken for a newer one.
///
/// # Errors
/// `Corrupt` for what [`seal`] has not written, `Unsupported` for a newer version.
pub(super) fn unseal(bytes: &[u8]) -> Result<&[u8]> {
    let (content, checksum) = bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or_else(damaged)?;
    if crc32fast::hash(content) != u32::from_be_bytes(*checksum) {
        return Err(damaged());
    }
    match content.split_first() {
        Some((&VERSION, content)) => Ok(content),
        Some((version, _)) if *version > VERSION => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the standby was written by a newer version of this library (format {version}); \
                 open it with that one"
            ),
        )),
        _ => Err(damaged()),
    }
}

/// The error for what this layer has not written.
pub(super) fn damaged() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "a row of the standby, or the count of the primary, is damaged; \
         what was accepted cannot be written back",
    )
}

/// `golden` with each bit flipped, cut at each length, and with one byte more.
#[cfg(test)]
pub(super) fn damages(golden: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let flips = (0..golden.len() * 8).map(|bit| {
        let mut flipped = golden.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    });
    let cuts = (0..golden.len()).map(|length| golden[..length].to_vec());
    let longer = [golden, &[0]].concat();
    flips.chain(cuts).chain([longer])
}
