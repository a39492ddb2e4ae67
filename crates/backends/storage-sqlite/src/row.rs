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
    let mut hasher = head_hasher(key, expires);
    let head = hasher.clone().finalize();
    hasher.update(value);
    joined(head, hasher.finalize())
}

/// The entry of `key` in a row of [`entry_columns`].
///
/// # Errors
/// `Corrupt` if the row is not as it was written.
pub(crate) fn entry(row: &Row<'_>, key: Key<'_>) -> Result<Entry> {
    let value = blob(row, 0).map_err(|error| error.with_key(key))?;
    let expires = verified(row, key, |expires| checksum(key, expires, value))?;
    envelope::open(envelope::seal(value, expires))
}

/// The item in a row of [`entry_columns`] and the key. Key and value share one
/// piece of memory.
///
/// # Errors
/// As for [`entry`].
pub(crate) fn item(row: &Row<'_>, space: Space) -> Result<Item> {
    let found = blob(row, 3)?;
    let key = Key::in_space(space, found);
    let value = blob(row, 0).map_err(|error| error.with_key(key))?;
    let expires = verified(row, key, |expires| checksum(key, expires, value))?;
    let stored_bytes = envelope::overhead_bytes(expires) + value.len();
    let mut both = Vec::with_capacity(found.len() + stored_bytes);
    both.extend_from_slice(found);
    envelope::append(&mut both, value, expires);
    let mut stored = Bytes::from(both);
    let key = stored.split_to(found.len());
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
    let stored = integer(row, 1)?;
    let expires = expires(row)?;
    if head_of(stored) != head_hasher(key, expires).finalize() {
        return Err(damaged(key));
    }
    let entry = Entry::new(Bytes::new(), expires, Stamp::none());
    Ok(Item::new(Bytes::copy_from_slice(found), entry))
}

/// The expiry of a row whose checksum is the one that `expected` works out.
fn verified(
    row: &Row<'_>,
    key: Key<'_>,
    expected: impl FnOnce(Option<Timestamp>) -> i64,
) -> Result<Option<Timestamp>> {
    let expires = expires(row)?;
    if integer(row, 1)? == expected(expires) {
        Ok(expires)
    } else {
        Err(damaged(key))
    }
}

fn head_hasher(key: Key<'_>, expires: Option<Timestamp>) -> crc32fast::Hasher {
    let mut hasher = crc32fast::Hasher::new();
    let space = flat_key::prefix(key.space());
    match expires {
        None => hasher.update(&[space, 0]),
        Some(expires) => {
            hasher.update(&[space, 1]);
            hasher.update(&expires.as_unix_milliseconds().to_be_bytes());
        }
    }
    hasher.update(key.bytes());
    hasher
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
        let expected = of(b"\x01\x00k") << 32 | of(b"\x01\x00kv");
        let plain = checksum(Key::user(b"k"), None, b"v");
        assert_eq!(plain.cast_unsigned(), expected);
        let head = b"\x01\x01\x01\x02\x03\x04\x05\x06\x07\x08k";
        let expected = of(head) << 32 | of(&[head.as_slice(), b"v"].concat());
        let expiring = checksum(Key::user(b"k"), Some(EXPIRES), b"v");
        assert_eq!(expiring.cast_unsigned(), expected);
        assert_eq!(u64::from(head_of(expiring)), expected >> 32);
    }

    #[test]
    fn an_expiry_at_the_far_end_of_time_has_a_column() {
        let end = Timestamp::from_unix_milliseconds(u64::MAX);
        assert_eq!(expires_column(Some(end)), Some(-1));
        assert_eq!(expires_column(None), None);
    }
}
