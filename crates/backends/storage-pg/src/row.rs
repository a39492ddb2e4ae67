//! Rows: what a value, an expiry and a version stand for in their columns.

use crate::sqlx::{self, Row, postgres::PgRow};
use bytes::Bytes;
use storage_core::{Entry, Space, Stamp, Timestamp, embedded::flat_key};

/// The number that stands for a space.
pub(crate) fn space_column(space: Space) -> i16 {
    flat_key::prefix(space).into()
}

/// The column that holds an expiry: instants beyond 2^63 milliseconds are
/// negative there.
pub(crate) fn expires_column(expires: Option<Timestamp>) -> Option<i64> {
    expires.map(|expires| expires.as_unix_milliseconds().cast_signed())
}

/// The present as the server compares expiries with it.
pub(crate) fn moment(now: Timestamp) -> i64 {
    i64::try_from(now.as_unix_milliseconds()).unwrap_or(i64::MAX)
}

/// The expiry in a column.
pub(crate) fn expires(row: &PgRow, column: usize) -> sqlx::Result<Option<Timestamp>> {
    let expires: Option<i64> = row.try_get(column)?;
    Ok(expires.map(|expires| Timestamp::from_unix_milliseconds(expires.cast_unsigned())))
}

/// The entry in three columns from `first` on: value, expiry, version.
pub(crate) fn entry(row: &PgRow, first: usize) -> sqlx::Result<Entry> {
    let value: &[u8] = row.try_get(first)?;
    entry_of(Bytes::copy_from_slice(value), row, first)
}

/// The entry of `value`, which was in the column `first`.
pub(crate) fn entry_of(value: Bytes, row: &PgRow, first: usize) -> sqlx::Result<Entry> {
    let version: i64 = row.try_get(first + 2)?;
    Ok(Entry::new(
        value,
        expires(row, first + 1)?,
        Stamp::of_version(version.cast_unsigned()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_at_the_far_end_of_time_has_a_column() {
        let end = Timestamp::from_unix_milliseconds(u64::MAX);
        assert_eq!(expires_column(Some(end)), Some(-1));
        assert_eq!(expires_column(None), None);
        assert_eq!(moment(end), i64::MAX);
    }
}
