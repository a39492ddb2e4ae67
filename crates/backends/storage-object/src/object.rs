//! What is in an object: a header, the key where its name does not tell it, and
//! the value. `docs/formats/object.md` has it byte by byte.

use std::hash::Hasher;

use bytes::Bytes;
use storage_core::{Capabilities, Error, ErrorKind, Key, Random, Result, Space, Timestamp};
use twox_hash::XxHash3_64;

use crate::{engine::KEY_BYTES_MAX, name::HEAD_BYTES};

/// The bytes of a header.
pub(crate) const HEADER_BYTES: usize = 56;

const MAGIC: [u8; 4] = *b"STOB";
const VERSION: u8 = 1;
/// The bit that says that the entry expires.
const EXPIRES: u8 = 1;

/// Which write made an object. No two writes have the same, so whoever lost the
/// answer to one finds out by it, and no two forms of an entry have one `ETag`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WriteId([u8; 16]);

impl WriteId {
    pub(crate) fn draw(random: &dyn Random) -> Result<Self> {
        let mut id = [0; 16];
        random.fill(&mut id)?;
        Ok(Self(id))
    }

    pub(crate) const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// What the header of an object says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) expires: Option<Timestamp>,
    pub(crate) write: WriteId,
    /// The bytes of the key in the object; 0 where its name tells the key.
    key_bytes: u16,
    value_bytes: u64,
    value_hash: u64,
}

/// An object as it is written, without its value.
pub(crate) fn head(
    key: Key<'_>,
    value: &[u8],
    expires: Option<Timestamp>,
    write: WriteId,
) -> Result<Bytes> {
    let kept = kept(key.bytes());
    let key_bytes = u16::try_from(kept.len())
        .map_err(|_| Error::new(ErrorKind::Invalid, "the key is longer than objects keep"))?;
    let mut head = Vec::with_capacity(HEADER_BYTES + kept.len());
    head.extend(MAGIC);
    head.push(VERSION);
    head.push(if expires.is_some() { EXPIRES } else { 0 });
    head.extend(key_bytes.to_be_bytes());
    let expires = expires.map_or(0, Timestamp::as_unix_milliseconds);
    head.extend(expires.to_be_bytes());
    head.extend(write.0);
    head.extend(u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
    head.extend(XxHash3_64::oneshot(value).to_be_bytes());
    head.extend(checksum(&head, key.space(), key.bytes()).to_be_bytes());
    head.extend(kept);
    Ok(head.into())
}

/// How many bytes of any object tell all about its entry but its value.
pub(crate) const HEAD_BYTES_MAX: usize =
    HEADER_BYTES + KEY_BYTES_MAX + Capabilities::SYSTEM_KEY_EXTRA_BYTES;

/// How many bytes of an object tell all about the entry of `key` but its value.
pub(crate) fn head_bytes(key: &[u8]) -> usize {
    HEADER_BYTES + kept(key).len()
}

/// What an object keeps of its key: all, if its name does not tell it.
fn kept(key: &[u8]) -> &[u8] {
    if key.len() > HEAD_BYTES { key } else { &[] }
}

/// The header of an object, or of its beginning, that should be that of `key`.
///
/// # Errors
/// `Corrupt` if it is not.
pub(crate) fn header(object: &[u8], key: Key<'_>) -> Result<Header> {
    let (header, is_checked) = parse(object, key.space(), Some(key.bytes()))?;
    let kept = kept(key.bytes());
    let own = object.get(HEADER_BYTES..HEADER_BYTES + kept.len());
    if !is_checked || usize::from(header.key_bytes) != kept.len() || own != Some(kept) {
        return Err(damaged("its checksum is wrong, or it is that of another key").with_key(key));
    }
    Ok(header)
}

/// The value in the whole object of `key`, and its header.
///
/// # Errors
/// `Corrupt` if it is no such object.
pub(crate) fn value(object: &Bytes, key: Key<'_>) -> Result<(Header, Bytes)> {
    let header = header(object, key)?;
    let value = object.slice(head_bytes(key.bytes())..);
    if u64::try_from(value.len()) != Ok(header.value_bytes)
        || XxHash3_64::oneshot(&value) != header.value_hash
    {
        return Err(damaged("its value is not the one that was written").with_key(key));
    }
    Ok((header, value))
}

/// The key that an object keeps, which begins with `head`.
///
/// # Errors
/// `Corrupt` if it keeps none.
pub(crate) fn kept_key(object: &Bytes, space: Space, head: &[u8]) -> Result<Bytes> {
    let (header, _) = parse(object, space, None)?;
    let end = HEADER_BYTES + usize::from(header.key_bytes);
    let key = object.get(HEADER_BYTES..end).unwrap_or_default();
    if key.len() <= HEAD_BYTES || !key.starts_with(head) {
        return Err(damaged("it keeps no key that fits its name"));
    }
    Ok(object.slice(HEADER_BYTES..end))
}

/// A header, and whether its checksum is right for `key`.
fn parse(object: &[u8], space: Space, key: Option<&[u8]>) -> Result<(Header, bool)> {
    let Some((header, _)) = object.split_first_chunk::<HEADER_BYTES>() else {
        return Err(damaged("it is too short to have a header"));
    };
    let mut rest: &[u8] = header;
    if take::<4>(&mut rest) != MAGIC {
        return Err(damaged("it does not begin as objects of stores do"));
    }
    let [version, flags] = take::<2>(&mut rest);
    if version != VERSION {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "an object has format {version}, this version reads {VERSION}; use a newer version"
            ),
        ));
    }
    let key_bytes = u16::from_be_bytes(take(&mut rest));
    let expires = u64::from_be_bytes(take(&mut rest));
    let parsed = Header {
        expires: (flags & EXPIRES != 0).then(|| Timestamp::from_unix_milliseconds(expires)),
        write: WriteId(take(&mut rest)),
        key_bytes,
        value_bytes: u64::from_be_bytes(take(&mut rest)),
        value_hash: u64::from_be_bytes(take(&mut rest)),
    };
    let sum = u64::from_be_bytes(take(&mut rest));
    let checked = header.get(..HEADER_BYTES - 8).unwrap_or_default();
    let is_right = key.is_some_and(|key| checksum(checked, space, key) == sum);
    Ok((parsed, is_right))
}

/// The next `N` bytes of a header, which has as many.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let Some((taken, behind)) = rest.split_first_chunk::<N>() else {
        return [0; N];
    };
    *rest = behind;
    *taken
}

/// Of the header and the key: an object under the name of another shows.
fn checksum(header: &[u8], space: Space, key: &[u8]) -> u64 {
    let mut hasher = XxHash3_64::new();
    hasher.write(header);
    hasher.write(match space {
        Space::User => b"u",
        Space::System => b"s",
    });
    hasher.write(key);
    hasher.finish()
}

fn damaged(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("an object is damaged: {what}; restore it from a backup"),
    )
}

#[cfg(test)]
mod tests {
    use storage_core::SeededRandom;

    use super::*;

    fn whole(key: Key<'_>, value: &[u8], expires: Option<u64>) -> Bytes {
        let write = WriteId::draw(&SeededRandom::new(7)).unwrap();
        let expires = expires.map(Timestamp::from_unix_milliseconds);
        let head = head(key, value, expires, write).unwrap();
        assert_eq!(head.len(), head_bytes(key.bytes()));
        [&head, value].concat().into()
    }

    #[test]
    fn the_checksum_of_a_long_key_is_the_hash_of_all_its_parts() {
        // XXH3 of the 349 bytes, as another implementation makes it.
        let hash = 0x916a_503b_4ed2_3ac2;
        assert_eq!(checksum(&[7; 48], Space::User, &[9; 300]), hash);
        assert_ne!(checksum(&[7; 48], Space::System, &[9; 300]), hash);
    }

    #[test]
    fn an_object_tells_the_entry_that_it_was_made_of() {
        for bytes in [&b""[..], b"a", &[7; HEAD_BYTES], &[7; HEAD_BYTES + 1]] {
            for expires in [None, Some(0), Some(u64::MAX)] {
                for space in [Space::User, Space::System] {
                    let key = Key::in_space(space, bytes);
                    let object = whole(key, b"value", expires);
                    let (header, found) = value(&object, key).unwrap();
                    assert_eq!(&found[..], b"value");
                    assert_eq!(
                        header.expires,
                        expires.map(Timestamp::from_unix_milliseconds)
                    );
                }
            }
        }
    }

    #[test]
    fn the_first_version_is_pinned() {
        let object = whole(Key::user(b"height/1"), b"b5bb9d80", Some(1_700_000_000_000));
        let hash = blake3::hash(&object).to_hex().to_string();
        assert_eq!(hash.get(..16), Some("467e7ad4932eda11"), "{object:?}");
    }

    #[test]
    fn a_flip_anywhere_is_found() {
        for bytes in [&b"key"[..], &[7; HEAD_BYTES + 9]] {
            let key = Key::user(bytes);
            let object = whole(key, b"value", Some(7));
            for index in 0..object.len() {
                for bit in 0..8 {
                    let mut flipped = object.to_vec();
                    flipped[index] ^= 1 << bit;
                    let error = value(&flipped.into(), key).unwrap_err();
                    let is_version = index == 4;
                    assert_eq!(error.kind() == ErrorKind::Unsupported, is_version);
                    assert_eq!(error.kind() == ErrorKind::Corrupt, !is_version);
                }
            }
            for length in 0..object.len() {
                let error = value(&object.slice(..length), key).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt);
            }
        }
    }

    #[test]
    fn an_object_under_another_name_is_damaged() {
        let object = whole(Key::user(b"a"), b"value", None);
        assert!(value(&object, Key::user(b"b")).is_err());
        assert!(value(&object, Key::in_space(Space::System, b"a")).is_err());
        let long = [7; HEAD_BYTES + 1];
        let object = whole(Key::user(&long), b"value", None);
        assert_eq!(
            &kept_key(&object, Space::User, &long[..HEAD_BYTES]).unwrap()[..],
            long
        );
        assert!(kept_key(&object, Space::User, b"other").is_err());
    }
}
