//! Rows: what they hold beside the value, and what is returned of them.
//!
//! SQLite has no checksums of its own, so each row carries one. Its upper half
//! covers all but the value, for scans that leave values out; its lower half
//! covers everything.

use bytes::Bytes;
use rusqlite::{Row, types::ValueRef};
use storage_core::{
    Entry, Error, Item, Key, Result, Space, Stamp, Timestamp,
    embedded::{envelope, flat_key},
};

use crate::error::{corrupt, from_sqlite};

/// What a query selects where it returns entries, in the order in which
/// [`entry`] and [`item`] expect it. A scan adds the key.
macro_rules! entry_columns {
    () => {
        "ifnull(value,(SELECT l.value FROM large_values l WHERE l.id=large)),checksum,expires"
    };
}
pub(crate) use entry_columns;

/// The column that holds a space.
pub(crate) fn space_column(space: Space) -> i64 {
    flat_key::prefix(space).into()
}

/// The column that holds an expiry: instants beyond 2^63 milliseconds are
/// negative there.
pub(crate) fn expires_column(expires: Option<Timestamp>) -> Option<i64> {
    expires.map(|expires| expires.as_unix_milliseconds().cast_signed())
}

/// The checksum of a row.
pub(crate) fn checksum(key: Key<'_>, expires: Option<Timestamp>, value: &[u8]) -> i64 {
    let hasher = head_hasher(key, expires);
    checksum_of(hasher, value)
}

/// The entry of `key` in a row of [`entry_columns`].
///
/// # Errors
/// `Corrupt` if the row is not as it was written.
pub(crate) fn entry(row: &Row<'_>, key: Key<'_>) -> Result<Entry> {
    let value = blob(row, 0).map_err(|error| error.with_key(key))?;
    let expires = expires(row)?;
    if integer(row, 1)? != checksum(key, expires, value) {
        return Err(damaged(key));
    }
    envelope::open(envelope::seal(value, expires))
}

/// The item in a row of [`entry_columns`] and the key. Key and value share one
/// piece of memory.
///
/// # Errors
/// As for [`entry`].
pub(crate) fn item(row: &Row<'_>, space: Space) -> Result<Item> {
    let key = blob(row, 3)?;
    let value = blob(row, 0).map_err(|error| error.with_key(Key::in_space(space, key)))?;
    let expires = expires(row)?;
    let head_bytes = key.len() + envelope::overhead_bytes(expires);
    let mut both = Vec::with_capacity(head_bytes + value.len());
    both.extend_from_slice(key);
    envelope::append(&mut both, value, expires);
    // What the checksum covers lies side by side now, but for the space.
    let (head, value) = both.split_at_checked(head_bytes).unwrap_or_default();
    let mut hasher = space_hasher(space);
    hasher.update(head);
    if integer(row, 1)? != checksum_of(hasher, value) {
        return Err(damaged(Key::in_space(space, key)));
    }
    let mut stored = Bytes::from(both);
    let key = stored.split_to(key.len());
    Ok(Item::new(key, envelope::open(stored)?))
}

/// The item in a row of [`entry_columns`] and the key, where the first column
/// was left out.
///
/// # Errors
/// As for [`entry`].
pub(crate) fn key_item(row: &Row<'_>, space: Space) -> Result<Item> {
    let found = blob(row, 3)?;
    let key = Key::in_space(space, found);
    let expires = expires(row)?;
    if head_of(integer(row, 1)?) != head_hasher(key, expires).finalize() {
        return Err(damaged(key));
    }
    let entry = Entry::new(Bytes::new(), expires, Stamp::none());
    Ok(Item::new(Bytes::copy_from_slice(found), entry))
}

/// What has hashed all but the value: the space, the key, and the envelope's
/// header.
fn head_hasher(key: Key<'_>, expires: Option<Timestamp>) -> crc32fast::Hasher {
    let mut hasher = space_hasher(key.space());
    hasher.update(key.bytes());
    match expires {
        None => hasher.update(&[0]),
        Some(expires) => {
            hasher.update(&[1]);
            hasher.update(&expires.as_unix_milliseconds().to_be_bytes());
        }
    }
    hasher
}

fn space_hasher(space: Space) -> crc32fast::Hasher {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[flat_key::prefix(space)]);
    hasher
}

/// The checksum of a row whose head was hashed.
fn checksum_of(mut hasher: crc32fast::Hasher, value: &[u8]) -> i64 {
    let head = hasher.clone().finalize();
    hasher.update(value);
    joined(head, hasher.finalize())
}

fn joined(head: u32, whole: u32) -> i64 {
    ((u64::from(head) << 32) | u64::from(whole)).cast_signed()
}

fn head_of(checksum: i64) -> u32 {
    u32::try_from(checksum.cast_unsigned() >> 32).unwrap_or_default()
}

fn blob<'r>(row: &'r Row<'_>, index: usize) -> Result<&'r [u8]> {
    match row.get_ref(index).map_err(from_sqlite)? {
        ValueRef::Blob(bytes) => Ok(bytes),
        ValueRef::Null => Err(corrupt("a value that a row leads to is missing")),
        _ => Err(not_written_here()),
    }
}

fn integer(row: &Row<'_>, index: usize) -> Result<i64> {
    match row.get_ref(index).map_err(from_sqlite)? {
        ValueRef::Integer(number) => Ok(number),
        _ => Err(not_written_here()),
    }
}

fn expires(row: &Row<'_>) -> Result<Option<Timestamp>> {
    match row.get_ref(2).map_err(from_sqlite)? {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(number) => Ok(Some(Timestamp::from_unix_milliseconds(
            number.cast_unsigned(),
        ))),
        _ => Err(not_written_here()),
    }
}

fn not_written_here() -> Error {
    corrupt("a row has columns of other types than it was written with")
}

fn damaged(key: Key<'_>) -> Error {
    corrupt("a row is not as it was written: its checksum differs").with_key(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPIRES: Timestamp = Timestamp::from_unix_milliseconds(0x0102_0304_0506_0708);

    #[test]
    fn the_checksum_is_the_documented_one() {
        let of = |bytes: &[u8]| u64::from(crc32fast::hash(bytes));
        for (expires, head) in [
            (None, &b"\x01k\x00"[..]),
            (Some(EXPIRES), b"\x01k\x01\x01\x02\x03\x04\x05\x06\x07\x08"),
        ] {
            // As in the envelope, whose bytes scans hash.
            let mut bytes = b"\x01k".to_vec();
            envelope::append(&mut bytes, b"v", expires);
            assert_eq!(bytes, [head, b"v"].concat());
            let expected = of(head) << 32 | of(&bytes);
            let found = checksum(Key::user(b"k"), expires, b"v");
            assert_eq!(found.cast_unsigned(), expected);
            assert_eq!(u64::from(head_of(found)), expected >> 32);
        }
    }

    #[test]
    fn an_expiry_at_the_far_end_of_time_has_a_column() {
        let end = Timestamp::from_unix_milliseconds(u64::MAX);
        assert_eq!(expires_column(Some(end)), Some(-1));
        assert_eq!(expires_column(None), None);
    }
}
