//! How the second level keeps an entry: `docs/formats/cache.md` gives it byte by byte.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use storage_core::{Entry, Error, ErrorKind, Result, Stamp, Timestamp};

use crate::{key::CacheKey, layer::NAME};

/// The newest version that this library reads, and the one it writes.
const VERSION: u8 = 1;

const CHECKSUM_BYTES: usize = size_of::<u32>();

/// The version, the instants and the length of the stamp.
const HEADER_BYTES: usize = 1 + 8 + 8 + 4;

/// What stands for an entry that never expires.
const NEVER: u64 = u64::MAX;

/// The length of a stamp that is made of the value and the expiry themselves.
const OF_CONTENT: u32 = u32::MAX;

/// An entry, and when the read began that found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) entry: Entry,
    pub(crate) as_of: Timestamp,
}

impl Row {
    pub(super) fn encode(&self, key: &CacheKey) -> Bytes {
        let Self { entry, as_of } = self;
        let (value, expires) = (entry.value(), entry.expires());
        // Most engines make their stamps of what the row holds anyway.
        let is_of_content = *entry == Entry::of_content(value.clone(), expires);
        let stamp = if is_of_content {
            Bytes::new()
        } else {
            entry.stamp().to_bytes()
        };
        let mut bytes =
            BytesMut::with_capacity(HEADER_BYTES + stamp.len() + value.len() + CHECKSUM_BYTES);
        bytes.put_u8(VERSION);
        bytes.put_u64(as_of.as_unix_milliseconds());
        bytes.put_u64(expires.map_or(NEVER, Timestamp::as_unix_milliseconds));
        bytes.put_u32(if is_of_content {
            OF_CONTENT
        } else {
            u32::try_from(stamp.len()).unwrap_or(OF_CONTENT)
        });
        bytes.put_slice(&stamp);
        bytes.put_slice(value);
        let checksum = checksum(key, &bytes);
        bytes.put_u32(checksum);
        bytes.freeze()
    }

    /// The entry of `key`.
    ///
    /// # Errors
    /// `Corrupt` if [`encode`](Self::encode) did not write this for that key,
    /// `Unsupported` for a newer version.
    pub(super) fn decode(key: &CacheKey, mut bytes: Bytes) -> Result<Self> {
        let content_bytes = bytes
            .len()
            .checked_sub(CHECKSUM_BYTES)
            .filter(|content| *content >= HEADER_BYTES)
            .ok_or_else(|| damaged("it is too short"))?;
        let mut end = bytes.split_off(content_bytes);
        if checksum(key, &bytes) != end.get_u32() {
            return Err(damaged("its checksum is wrong"));
        }
        let version = bytes.get_u8();
        if version != VERSION {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("a row of the second level is of version {version}; upgrade to read it"),
            )
            .with_layer(NAME));
        }
        let as_of = Timestamp::from_unix_milliseconds(bytes.get_u64());
        let expires = Some(bytes.get_u64())
            .filter(|expires| *expires != NEVER)
            .map(Timestamp::from_unix_milliseconds);
        let entry = match bytes.get_u32() {
            OF_CONTENT => Entry::of_content(bytes, expires),
            length => {
                let length = usize::try_from(length)
                    .ok()
                    .filter(|length| *length <= bytes.len())
                    .ok_or_else(|| damaged("its stamp is cut off"))?;
                let stamp = Stamp::from_bytes(bytes.split_to(length))?;
                Entry::new(bytes, expires, stamp)
            }
        };
        Ok(Self { entry, as_of })
    }
}

/// Of the key as well: a row that lies under another is damaged.
fn checksum(key: &CacheKey, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key.as_key().bytes());
    hasher.update(content);
    hasher.finalize()
}

fn damaged(why: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("a row of the second level is damaged: {why}"),
    )
    .with_layer(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &[u8] = include_bytes!("row_v1.bin");

    fn key() -> CacheKey {
        CacheKey::of("planet/3".into())
    }

    fn rows() -> [Row; 4] {
        let at = Timestamp::from_unix_milliseconds;
        let row = |entry| Row {
            entry,
            as_of: at(1_700_000_000_000),
        };
        let expires = Some(at(1_700_000_060_000));
        [
            row(Entry::new("Earth".into(), expires, Stamp::of_version(7))),
            row(Entry::new("Earth".into(), None, Stamp::new("tag".into()))),
            row(Entry::of_content("Earth".into(), expires)),
            row(Entry::new("".into(), None, Stamp::none())),
        ]
    }

    #[test]
    fn version_1_is_written_and_read_as_it_always_was() {
        let [golden, ..] = rows();
        assert_eq!(golden.encode(&key()), GOLDEN);
        assert_eq!(Row::decode(&key(), GOLDEN.into()).unwrap(), golden);
    }

    #[test]
    fn every_entry_comes_back_with_its_stamp_whatever_that_is_made_of() {
        for row in rows() {
            let read = Row::decode(&key(), row.encode(&key())).unwrap();
            assert_eq!(read, row);
            assert_eq!(read.entry.stamp(), row.entry.stamp());
        }
        // A layer below has decoded the value: the stamp is that of the stored form.
        let stored = Entry::of_content("EarthEarth".into(), None);
        let decoded = Row {
            entry: Entry::new("2 Earth".into(), None, stored.stamp()),
            as_of: Timestamp::from_unix_milliseconds(0),
        };
        let read = Row::decode(&key(), decoded.encode(&key())).unwrap();
        assert!(stored.has_stamp(&read.entry.stamp()));
    }

    #[test]
    fn no_damage_goes_unseen_and_none_panics() {
        let kind =
            |key: &CacheKey, bytes: Vec<u8>| Row::decode(key, bytes.into()).unwrap_err().kind();
        for at in 0..GOLDEN.len() {
            for bit in 0..8 {
                let mut damaged = GOLDEN.to_vec();
                damaged[at] ^= 1 << bit;
                assert_eq!(kind(&key(), damaged), ErrorKind::Corrupt);
            }
            assert_eq!(kind(&key(), GOLDEN[..at].to_vec()), ErrorKind::Corrupt);
        }
        let other = CacheKey::of("planet/4".into());
        assert_eq!(kind(&other, GOLDEN.to_vec()), ErrorKind::Corrupt);
    }
}
