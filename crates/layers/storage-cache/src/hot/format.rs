//! How a hot set is written: `docs/formats/cache.md` gives it byte by byte.

use bytes::{BufMut, Bytes, BytesMut};
use storage_core::{Error, ErrorKind, Key, Result};

use crate::{key::CacheKey, layer::NAME};

/// The newest version that this library reads, and the one it writes.
const VERSION: u8 = 1;

/// A checksum, CRC-32, at the end.
const CHECKSUM_BYTES: usize = size_of::<u32>();

/// The bytes of as many of `keys`, from the first on, as fit into `bytes_max`.
pub(super) fn encode<'a>(keys: impl IntoIterator<Item = &'a CacheKey>, bytes_max: usize) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(VERSION);
    for key in keys {
        let key = key.as_key().bytes();
        let Ok(length) = u32::try_from(key.len()) else {
            continue;
        };
        let with_key = bytes.len() + size_of::<u32>() + key.len() + CHECKSUM_BYTES;
        if with_key > bytes_max {
            break;
        }
        bytes.put_u32(length);
        bytes.put_slice(key);
    }
    let checksum = crc32fast::hash(&bytes);
    bytes.put_u32(checksum);
    bytes.freeze()
}

/// The keys of a hot set.
///
/// # Errors
/// `Corrupt` if [`encode`] did not write this, `Unsupported` for a newer version.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<CacheKey>> {
    let (content, checksum) = bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or_else(|| damaged("it is too short"))?;
    if crc32fast::hash(content) != u32::from_be_bytes(*checksum) {
        return Err(damaged("its checksum is wrong"));
    }
    let (version, mut rest) = content
        .split_first()
        .ok_or_else(|| damaged("it is too short"))?;
    if *version != VERSION {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("the hot set is of version {version}; upgrade to read it"),
        )
        .with_layer(NAME));
    }
    let mut keys = Vec::new();
    while !rest.is_empty() {
        let (length, behind) = rest
            .split_first_chunk::<4>()
            .ok_or_else(|| damaged("a length is cut off"))?;
        let (key, behind) = usize::try_from(u32::from_be_bytes(*length))
            .ok()
            .and_then(|length| behind.split_at_checked(length))
            .ok_or_else(|| damaged("a key is cut off"))?;
        keys.push(CacheKey::of(Key::user(key)));
        rest = behind;
    }
    Ok(keys)
}

fn damaged(why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the hot set is damaged: {why}")).with_layer(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &[u8] = include_bytes!("golden_v1.bin");

    fn keys() -> Vec<CacheKey> {
        ["", "planet/3", "a key that is too long to be kept in place"]
            .map(|key| CacheKey::of(key.into()))
            .to_vec()
    }

    #[test]
    fn version_1_is_written_and_read_as_it_always_was() {
        assert_eq!(encode(&keys(), usize::MAX), GOLDEN);
        assert_eq!(decode(GOLDEN).unwrap(), keys());
    }

    #[test]
    fn no_damage_goes_unseen_and_none_panics() {
        for at in 0..GOLDEN.len() {
            for bit in 0..8 {
                let mut damaged = GOLDEN.to_vec();
                damaged[at] ^= 1 << bit;
                assert_eq!(decode(&damaged).unwrap_err().kind(), ErrorKind::Corrupt);
            }
            assert_eq!(
                decode(&GOLDEN[..at]).unwrap_err().kind(),
                ErrorKind::Corrupt
            );
        }
    }

    #[test]
    fn lengths_that_lie_under_a_right_checksum_are_found() {
        for content in [&[VERSION, 0, 0][..], &[VERSION, 255, 255, 255, 255, 7]] {
            let mut bytes = content.to_vec();
            bytes.put_u32(crc32fast::hash(content));
            assert_eq!(decode(&bytes).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }

    #[test]
    fn a_newer_version_is_left_alone() {
        let mut bytes = vec![VERSION + 1];
        bytes.put_u32(crc32fast::hash(&[VERSION + 1]));
        assert_eq!(decode(&bytes).unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn only_as_many_keys_are_written_as_have_room() {
        let bytes = encode(&keys(), GOLDEN.len() - 1);
        assert_eq!(decode(&bytes).unwrap(), keys()[..2]);
    }
}
