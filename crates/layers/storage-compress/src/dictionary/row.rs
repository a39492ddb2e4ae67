//! The rows that dictionaries are kept in, byte by byte.
//!
//! `docs/formats/compress.md` is the specification.

use std::ops::Bound;

use bytes::Bytes;
use storage_core::{KeyRange, OwnedKey, Space, SystemKeys};
use twox_hash::XxHash3_64;

use super::DictionaryId;
use crate::{
    form::{as_u64, put_number, take_number},
    layer::NAME,
};

/// What comes after the layer's name in the key of a row, before the id.
const KIND: &[u8] = b"dictionary/";

const VERSION: u8 = 1;

const HASH_BYTES: usize = size_of::<u64>();

/// What a row says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The elements of names that the keys of the values begin with.
    pub(crate) namespace: Bytes,
    /// A dictionary as zstd writes it, but that its own id is zero.
    pub(crate) content: Bytes,
    /// Of all of it: the seed of the checksums of forms.
    pub(crate) hash: u64,
}

/// The key of the row of a dictionary.
pub(crate) fn key(id: DictionaryId) -> OwnedKey {
    SystemKeys::of(NAME).key([KIND, &[id.0]].concat())
}

/// The keys of all rows.
pub(super) fn range() -> KeyRange {
    let bound =
        |last| Bound::Included(SystemKeys::of(NAME).key([KIND, last].concat()).into_bytes());
    KeyRange::from_bounds(Space::System, bound(&[]), bound(&[u8::MAX]))
}

/// Whose row has this key.
pub(super) fn id_of(found: &[u8]) -> Option<DictionaryId> {
    let id = DictionaryId(*found.last()?);
    (key(id).bytes() == found).then_some(id)
}

pub(super) fn encode(namespace: &[u8], content: &[u8]) -> Bytes {
    let mut row = vec![VERSION];
    put_number(&mut row, as_u64(namespace.len()));
    row.extend_from_slice(namespace);
    row.extend_from_slice(content);
    let hash = XxHash3_64::oneshot(&row).to_be_bytes();
    row.extend_from_slice(&hash);
    row.into()
}

/// What a row says, or what is wrong with it.
pub(super) fn decode(stored: &Bytes) -> Result<Row, &'static str> {
    let (body, hash) = stored
        .split_last_chunk::<HASH_BYTES>()
        .ok_or("it is cut off")?;
    let hash = u64::from_be_bytes(*hash);
    if XxHash3_64::oneshot(body) != hash {
        return Err("its checksum is wrong");
    }
    let (&version, mut rest) = body.split_first().ok_or("it is cut off")?;
    if version != VERSION {
        return Err("it is of another version");
    }
    let split = take_number(&mut rest)
        .and_then(|length| usize::try_from(length).ok())
        .and_then(|length| rest.split_at_checked(length));
    let (namespace, content) = split.ok_or("its namespace makes no sense")?;
    Ok(Row {
        namespace: stored.slice_ref(namespace),
        content: stored.slice_ref(content),
        hash,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_it_was_written() {
        for (namespace, content) in [
            (&b""[..], &b"content"[..]),
            (b"\x02a\0", b""),
            (&[7; 300], b"c"),
        ] {
            let row = decode(&encode(namespace, content)).unwrap();
            assert_eq!((&row.namespace[..], &row.content[..]), (namespace, content));
        }
    }

    #[test]
    fn a_changed_byte_and_a_lost_one_are_found() {
        let row = encode(b"\x02users\0", b"content");
        for at in 0..row.len() {
            for more in 1..=u8::MAX {
                let mut damaged = row.to_vec();
                damaged[at] = damaged[at].wrapping_add(more);
                assert!(decode(&damaged.into()).is_err(), "{at} {more}");
            }
            assert!(decode(&row.slice(..at)).is_err());
            assert!(decode(&row.slice(at + 1..)).is_err());
        }
    }

    #[test]
    fn a_namespace_that_is_longer_than_the_row_is_found() {
        let mut body = vec![VERSION];
        put_number(&mut body, 1 << 60);
        body.extend_from_slice(&[7; 20]);
        let hash = XxHash3_64::oneshot(&body).to_be_bytes();
        body.extend_from_slice(&hash);
        assert_eq!(decode(&body.into()), Err("its namespace makes no sense"));
    }

    #[test]
    fn the_key_of_a_row_says_whose_it_is() {
        for id in [0, 1, 127, 255].map(DictionaryId) {
            assert_eq!(id_of(key(id).bytes()), Some(id));
            assert!(range().contains(key(id).as_key()));
        }
        for other in ["", "dictionary", "dictionary/", "dictionary/12"] {
            let key = SystemKeys::of(NAME).key(other);
            assert_eq!(id_of(key.bytes()), None, "{other}");
        }
    }
}
