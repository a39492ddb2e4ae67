//! What the index knows of a key: one version of its value.

use bytes::Bytes;
use storage_core::{Stamp, Timestamp};

use crate::{
    Codec,
    wire::{Input, as_u64, put_number},
};

/// Numbers the versions of all keys, in the order in which they were put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct VersionId(pub(crate) u64);

impl VersionId {
    /// The one after it.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One version of a key's value: where it is, and what must be found there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) id: VersionId,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) content: Content,
}

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nowhere: it has no bytes.
    Empty,
    /// In a file of its own.
    File(FileContent),
}

/// What the file of a value must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileContent {
    pub(crate) codec: Codec,
    /// The length of the file.
    pub(crate) bytes: u64,
    /// CRC-32 (IEEE) of the file.
    pub(crate) checksum: u32,
    /// The length of the value.
    pub(crate) value_bytes: u64,
}

impl FileContent {
    /// What a file must hold that holds `content`, made of `value`.
    pub(crate) fn of(codec: Codec, content: &[u8], value: &[u8]) -> Self {
        Self {
            codec,
            bytes: as_u64(content.len()),
            checksum: crc32fast::hash(content),
            value_bytes: as_u64(value.len()),
        }
    }
}

const EMPTY: u8 = 1 << 2;
const EXPIRING: u8 = 1 << 3;
const CODEC: u8 = EMPTY - 1;

impl Version {
    /// What must be in its file, if it has one.
    pub(crate) const fn file(&self) -> Option<FileContent> {
        match self.content {
            Content::Empty => None,
            Content::File(file) => Some(file),
        }
    }

    /// The stamp of entries of this version. After a loss of power a number may
    /// be given out again, to what was put in place of what was lost; so the
    /// number alone would not do.
    pub(crate) fn stamp(&self) -> Stamp {
        // Exactly as large as needed: `Bytes` takes over such a vector as it is.
        let mut token = Vec::with_capacity(if self.expires.is_some() { 20 } else { 12 });
        token.extend_from_slice(&self.id.0.to_be_bytes());
        let checksum = self.file().map_or(0, |file| file.checksum);
        token.extend_from_slice(&checksum.to_be_bytes());
        if let Some(expires) = self.expires {
            token.extend_from_slice(&expires.as_unix_milliseconds().to_be_bytes());
        }
        Stamp::new(Bytes::from(token))
    }

    /// Appends the version as records and pages hold it.
    pub(crate) fn put(&self, to: &mut Vec<u8>) {
        let (codec, empty) = match self.content {
            Content::Empty => (0, EMPTY),
            Content::File(file) => (file.codec.number(), 0),
        };
        let expiring = if self.expires.is_some() { EXPIRING } else { 0 };
        to.push(codec | empty | expiring);
        put_number(to, self.id.0);
        if let Content::File(file) = self.content {
            put_number(to, file.bytes);
            to.extend_from_slice(&file.checksum.to_le_bytes());
            if file.codec != Codec::None {
                put_number(to, file.value_bytes);
            }
        }
        if let Some(expires) = self.expires {
            to.extend_from_slice(&expires.as_unix_milliseconds().to_le_bytes());
        }
    }

    /// Passes over what [`put`](Self::put) appended; `None` if the input ends
    /// before.
    pub(crate) fn skip(input: &mut Input<'_>) -> Option<()> {
        let flags = input.byte()?;
        input.skip_number()?;
        if flags & EMPTY == 0 {
            input.skip_number()?;
            input.array::<4>()?;
            if flags & CODEC != Codec::None.number() {
                input.skip_number()?;
            }
        }
        if flags & EXPIRING != 0 {
            input.array::<8>()?;
        }
        Some(())
    }

    /// Reads what [`put`](Self::put) appended; `None` if it is not that.
    pub(crate) fn read(input: &mut Input<'_>) -> Option<Self> {
        let flags = input.byte()?;
        if flags & !(CODEC | EMPTY | EXPIRING) != 0 {
            return None;
        }
        let codec = Codec::of_number(flags & CODEC)?;
        let id = VersionId(input.number()?);
        let content = if flags & EMPTY != 0 {
            (codec == Codec::None).then_some(Content::Empty)?
        } else {
            let bytes = input.number()?;
            let checksum = u32::from_le_bytes(input.array()?);
            let value_bytes = match codec {
                Codec::None => bytes,
                _ => input.number()?,
            };
            Content::File(FileContent {
                codec,
                bytes,
                checksum,
                value_bytes,
            })
        };
        let expires = match flags & EXPIRING {
            0 => None,
            _ => Some(u64::from_le_bytes(input.array()?)),
        };
        Some(Self {
            id,
            expires: expires.map(Timestamp::from_unix_milliseconds),
            content,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(codec: Codec, expires: Option<u64>) -> Version {
        Version {
            id: VersionId(300),
            expires: expires.map(Timestamp::from_unix_milliseconds),
            content: Content::File(FileContent {
                codec,
                bytes: 5,
                checksum: 0x0403_0201,
                value_bytes: if codec == Codec::None { 5 } else { 9 },
            }),
        }
    }

    fn empty() -> Version {
        Version {
            id: VersionId(1),
            expires: None,
            content: Content::Empty,
        }
    }

    #[test]
    fn the_stored_form_is_the_documented_one() {
        let stored = |version: Version| {
            let mut bytes = Vec::new();
            version.put(&mut bytes);
            bytes
        };
        assert_eq!(
            stored(version(Codec::None, None)),
            [0, 0xAC, 2, 5, 1, 2, 3, 4]
        );
        assert_eq!(
            stored(version(Codec::Zstd, Some(7))),
            [10, 0xAC, 2, 5, 1, 2, 3, 4, 9, 7, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(stored(empty()), [4, 1]);
    }

    #[test]
    fn a_version_is_read_as_it_was_written_and_no_part_of_it_is_one() {
        for version in [
            version(Codec::None, None),
            version(Codec::Gzip, Some(u64::MAX)),
            version(Codec::Lz4, None),
            empty(),
        ] {
            let mut bytes = Vec::new();
            version.put(&mut bytes);
            assert_eq!(Version::read(&mut Input::new(&bytes)), Some(version));
            for length in 0..bytes.len() {
                assert_eq!(Version::read(&mut Input::new(&bytes[..length])), None);
                assert_eq!(Version::skip(&mut Input::new(&bytes[..length])), None);
            }
            bytes.push(7);
            let mut input = Input::new(&bytes);
            Version::skip(&mut input).unwrap();
            assert_eq!(input.rest(), [7]);
        }
        for flags in [0x10, 0x20, 0x80, 0x05, 0x07] {
            assert_eq!(Version::read(&mut Input::new(&[flags, 1, 1, 1, 1])), None);
        }
    }

    #[test]
    fn stamps_tell_versions_apart() {
        let stamps = [
            version(Codec::None, None).stamp(),
            version(Codec::None, Some(1)).stamp(),
            version(Codec::None, Some(2)).stamp(),
            empty().stamp(),
        ];
        for (index, stamp) in stamps.iter().enumerate() {
            assert!(!stamps[..index].contains(stamp));
        }
    }
}
