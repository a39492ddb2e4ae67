//! Rows: what they hold beside the value, and what is returned of them.
//!
//! SQLite has no checksums of its own, so each row carries one. Its upper half
//! covers all but the value, for scans that leave values out; its lower half
//! covers everything.

use bytes::{BufMut, Bytes};
use rusqlite::{Row, types::ValueRef};
use storage_core::{
    Entry, Error, Item, Key, Result, Space, Timestamp,
    embedded::{Chunks, envelope, flat_key},
};

use twox_hash::XxHash3_64;

use crate::error::{corrupt, from_sqlite};

/// What is hashed beside a value is put together on the stack if it is no
/// longer.
const HEAD_ON_STACK_BYTES: usize = 128;

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
#[inline]
pub(crate) fn checksum(key: Key<'_>, expires: Option<Timestamp>, value: &[u8]) -> i64 {
    whole_checksum(head_hash(key, expires), value)
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
    Ok(Entry::of_content(Bytes::copy_from_slice(value), expires))
}

/// The item in a row of [`entry_columns`] and the key.
///
/// # Errors
/// As for [`entry`].
#[expect(clippy::inline_always, reason = "see `Items`")]
#[inline(always)]
pub(crate) fn item(row: &Row<'_>, space: Space, chunks: &mut Chunks) -> Result<Item> {
    let key = Key::in_space(space, blob(row, 3)?);
    let value = blob(row, 0).map_err(|error| error.with_key(key))?;
    let expires = expires(row)?;
    // Before they are hashed: a processor that moves the copies right after it has
    // written them waits, unless it has other work to do.
    let copies = chunks.copy(key.bytes(), value);
    if integer(row, 1)? != checksum(key, expires, value) {
        return Err(damaged(key));
    }
    let (key, value) = copies;
    Ok(Item::new(key, Entry::of_content(value, expires)))
}

/// The item in a row of [`entry_columns`] and the key, where the first column
/// was left out.
///
/// # Errors
/// As for [`entry`].
pub(crate) fn key_item(row: &Row<'_>, space: Space, chunks: &mut Chunks) -> Result<Item> {
    let found = blob(row, 3)?;
    let key = Key::in_space(space, found);
    let expires = expires(row)?;
    if upper_half(integer(row, 1)?) != lower_half(head_hash(key, expires)) {
        return Err(damaged(key));
    }
    let key = chunks.copy_one(found);
    Ok(Item::new(key, Entry::without_value(expires)))
}

/// The hash of all but the value: the key and the header of its envelope.
#[inline]
fn head_hash(key: Key<'_>, expires: Option<Timestamp>) -> u64 {
    let head_bytes = key.bytes().len() + envelope::overhead_bytes(expires);
    let mut on_stack = [0; HEAD_ON_STACK_BYTES];
    if let Some(head) = on_stack.get_mut(..head_bytes) {
        put_head(&mut &mut *head, key, expires);
        return hash_in(key.space(), head);
    }
    let mut head = Vec::with_capacity(head_bytes);
    put_head(&mut head, key, expires);
    hash_in(key.space(), &head)
}

fn put_head(head: &mut impl BufMut, key: Key<'_>, expires: Option<Timestamp>) {
    head.put_slice(key.bytes());
    envelope::append(head, &[], expires);
}

/// The hash of a head in `space`.
#[inline]
fn hash_in(space: Space, head: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(flat_key::prefix(space).into(), head)
}

/// The checksum of a row whose head has this hash.
#[inline]
fn whole_checksum(head: u64, value: &[u8]) -> i64 {
    // To seed the hash of a long value takes as long as to make it.
    let whole = XxHash3_64::oneshot(value) ^ head;
    ((lower_half(head) << 32) | lower_half(whole)).cast_signed()
}

const fn lower_half(hash: u64) -> u64 {
    hash & 0xffff_ffff
}

const fn upper_half(checksum: i64) -> u64 {
    checksum.cast_unsigned() >> 32
}

#[inline]
fn blob<'r>(row: &'r Row<'_>, index: usize) -> Result<&'r [u8]> {
    match row.get_ref(index).map_err(from_sqlite)? {
        ValueRef::Blob(bytes) => Ok(bytes),
        ValueRef::Null => Err(corrupt("a value that a row leads to is missing")),
        _ => Err(not_written_here()),
    }
}

#[inline]
fn integer(row: &Row<'_>, index: usize) -> Result<i64> {
    match row.get_ref(index).map_err(from_sqlite)? {
        ValueRef::Integer(number) => Ok(number),
        _ => Err(not_written_here()),
    }
}

#[inline]
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
        for (expires, head) in [
            (None, &b"k\x00"[..]),
            (Some(EXPIRES), b"k\x01\x01\x02\x03\x04\x05\x06\x07\x08"),
        ] {
            // As in the envelope, whose bytes scans hash.
            let mut bytes = b"k".to_vec();
            envelope::append(&mut bytes, b"v", expires);
            assert_eq!(bytes, [head, b"v"].concat());
            let head = XxHash3_64::oneshot_with_seed(1, head);
            let whole = XxHash3_64::oneshot(b"v") ^ head;
            let expected = head << 32 | whole & 0xffff_ffff;
            let found = checksum(Key::user(b"k"), expires, b"v");
            assert_eq!(found.cast_unsigned(), expected);
            assert_eq!(upper_half(found), lower_half(head));
        }
    }

    #[test]
    fn a_key_of_any_length_has_its_checksum() {
        for length in 0..2 * HEAD_ON_STACK_BYTES {
            let key = vec![7; length];
            let mut head = key.clone();
            envelope::append(&mut head, b"", Some(EXPIRES));
            let expected = hash_in(Space::System, &head);
            let key = Key::in_space(Space::System, &key);
            assert_eq!(head_hash(key, Some(EXPIRES)), expected);
        }
    }

    #[test]
    fn an_expiry_at_the_far_end_of_time_has_a_column() {
        let end = Timestamp::from_unix_milliseconds(u64::MAX);
        assert_eq!(expires_column(Some(end)), Some(-1));
        assert_eq!(expires_column(None), None);
    }
}
