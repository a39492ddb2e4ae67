//! The one file of the small engine.

use std::collections::BTreeMap;

use bytes::Bytes;
use storage_core::{Key, OwnedKey, Space, Timestamp};

pub(crate) type Entries = BTreeMap<OwnedKey, (Bytes, Option<Timestamp>)>;

const CHECKSUM_BYTES: usize = 32;

/// The entries one after the other, and a checksum of all.
pub(crate) fn encode(entries: &Entries) -> Vec<u8> {
    let mut text = Vec::new();
    for (key, (value, expires)) in entries {
        text.push(u8::from(key.space() == Space::System));
        let expires = expires.map_or(0, Timestamp::as_unix_milliseconds);
        text.extend(expires.to_be_bytes());
        for part in [key.bytes(), value] {
            text.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
            text.extend(part);
        }
    }
    text.extend(blake3::hash(&text).as_bytes());
    text
}

/// The entries of a file whose checksum holds.
pub(crate) fn decode(text: &[u8]) -> Option<Entries> {
    let (entries, checksum) = text.split_at_checked(text.len().checked_sub(CHECKSUM_BYTES)?)?;
    (blake3::hash(entries).as_bytes() == checksum).then(|| decode_unchecked(text))
}

/// The entries of a file, as far as they make sense.
pub(crate) fn decode_unchecked(text: &[u8]) -> Entries {
    let end = text.len().saturating_sub(CHECKSUM_BYTES);
    let mut rest = &text[..end];
    let mut entries = Entries::new();
    while let Some((key, value)) = take_entry(&mut rest) {
        entries.insert(key, value);
    }
    entries
}

fn take_entry(rest: &mut &[u8]) -> Option<(OwnedKey, (Bytes, Option<Timestamp>))> {
    let space = match take(rest, 1)? {
        [0] => Space::User,
        _ => Space::System,
    };
    let expires = u64::from_be_bytes(take(rest, 8)?.try_into().ok()?);
    let key = take_part(rest)?;
    let value = take_part(rest)?;
    let expires = (expires != 0).then(|| Timestamp::from_unix_milliseconds(expires));
    let key = Key::in_space(space, key).to_owned();
    Some((key, (Bytes::copy_from_slice(value), expires)))
}

fn take_part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_be_bytes(take(rest, 4)?.try_into().ok()?);
    take(rest, usize::try_from(length).ok()?)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}
