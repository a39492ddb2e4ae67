//! Scans: one statement a page.

use std::ops::Bound;

use crate::sqlx::{self, PgConnection, Row, postgres::PgRow};
use bytes::Bytes;
use storage_core::{
    Direction, Entry, Item, KeyRange, Page, Projection, ScanOptions, Timestamp, embedded::Chunks,
};

use crate::row::{entry_of, expires, moment, space_column};

/// How many stored entries one page looks at for each entry it may hold, before
/// it gives up on expired ones and returns what it has.
const EXAMINED_PER_ENTRY: usize = 4;

/// The fewest stored entries a page looks at before it gives up.
const EXAMINED_MIN: usize = 256;

/// A page of a scan: its entries, and behind them a row that says how many live
/// ones there were and, where that is fewer than were asked for, up to which key
/// was looked.
///
/// Comparing whole rows gives the index both of its bounds. The lengths are added
/// up in the order in which the index gives the rows; where a value lies outside
/// of its row, it is not read for that.
macro_rules! page {
    ($value:literal, $bytes:literal, $order:literal) => {
        concat!(
            "WITH page AS MATERIALIZED (\
             SELECT key, ",
            $value,
            " AS value, expires, version, sum(",
            $bytes,
            ") OVER w AS bytes, row_number() OVER w AS place FROM (\
             SELECT * FROM (\
             SELECT space, key, value, expires, version FROM entries \
             WHERE (space, key) >= ($1, $2) AND (space, key) < ($3, $4) \
             ORDER BY space",
            $order,
            ", key",
            $order,
            " LIMIT $7) stored \
             WHERE expires IS NULL OR expires > $5 OR expires < 0 LIMIT $6) live \
             WINDOW w AS (ROWS UNBOUNDED PRECEDING)) \
             SELECT key, value, expires, version, NULL::bigint FROM page \
             WHERE bytes <= $8 OR place = 1 \
             UNION ALL \
             SELECT CASE WHEN c.live < $6 THEN (\
             SELECT key FROM entries \
             WHERE (space, key) >= ($1, $2) AND (space, key) < ($3, $4) \
             ORDER BY space",
            $order,
            ", key",
            $order,
            " LIMIT 1 OFFSET $7 - 1) END, NULL, NULL, NULL, c.live \
             FROM (SELECT count(*) AS live FROM page) c"
        )
    };
}

/// The statement of a scan.
pub(crate) const fn statement(direction: Direction, projection: Projection) -> &'static str {
    match (direction, projection) {
        (Direction::Forward, Projection::Entries) => {
            page!("value", "octet_length(key) + octet_length(value)", "")
        }
        (Direction::Forward, Projection::Keys) => page!("''::bytea", "octet_length(key)", ""),
        (Direction::Reverse, Projection::Entries) => {
            page!("value", "octet_length(key) + octet_length(value)", " DESC")
        }
        (Direction::Reverse, Projection::Keys) => {
            page!("''::bytea", "octet_length(key)", " DESC")
        }
    }
}

/// One page of the entries in `range` that are live at `now`.
pub(crate) async fn page(
    connection: &mut PgConnection,
    range: &KeyRange,
    options: &ScanOptions,
    now: Timestamp,
) -> sqlx::Result<Page> {
    if range.is_empty() {
        return Ok(Page::default());
    }
    let bounds = Bounds::of(range);
    let examined = options
        .entries_max
        .saturating_mul(EXAMINED_PER_ENTRY)
        .max(EXAMINED_MIN);
    let rows = sqlx::query(statement(options.direction, options.projection))
        .bind(bounds.start_space)
        .bind(bounds.start)
        .bind(bounds.end_space)
        .bind(bounds.end)
        .bind(moment(now))
        .bind(count(options.entries_max))
        .bind(count(examined))
        .bind(count(options.bytes_max))
        .fetch_all(connection)
        .await?;
    let Some((tail, rows)) = rows.split_last() else {
        return Err(sqlx::Error::RowNotFound);
    };
    let mut chunks = Chunks::default();
    let items = rows
        .iter()
        .map(|row| item(row, options.projection, &mut chunks))
        .collect::<sqlx::Result<Vec<_>>>()?;
    let live: i64 = tail.try_get(4)?;
    let is_cut = live > count(items.len()) || live >= count(options.entries_max);
    let last = if is_cut {
        items.last().map(|item| item.key.clone())
    } else {
        let looked_up_to: Option<&[u8]> = tail.try_get(0)?;
        looked_up_to.map(Bytes::copy_from_slice)
    };
    let next = last
        .map(|last| match options.direction {
            Direction::Forward => range.after(last),
            Direction::Reverse => range.before(last),
        })
        .filter(|rest| !rest.is_empty());
    Ok(Page::new(items, next))
}

fn item(row: &PgRow, projection: Projection, chunks: &mut Chunks) -> sqlx::Result<Item> {
    let key: &[u8] = row.try_get(0)?;
    if projection == Projection::Keys {
        let entry = Entry::without_value(expires(row, 2)?);
        return Ok(Item::new(chunks.copy_one(key), entry));
    }
    let (key, value) = chunks.copy(key, row.try_get(1)?);
    Ok(Item::new(key, entry_of(value, row, 1)?))
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The rows of a range: from the start on, up to but without the end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) start_space: i16,
    pub(crate) start: Vec<u8>,
    /// The next space, where the range goes to the end of its own.
    pub(crate) end_space: i16,
    pub(crate) end: Vec<u8>,
}

impl Bounds {
    pub(crate) fn of(range: &KeyRange) -> Self {
        let space = space_column(range.space());
        let (end_space, end) = match range.end() {
            Bound::Included(key) => (space, after(key)),
            Bound::Excluded(key) => (space, key.to_vec()),
            Bound::Unbounded => (space + 1, Vec::new()),
        };
        Self {
            start_space: space,
            start: match range.start() {
                Bound::Included(key) => key.to_vec(),
                Bound::Excluded(key) => after(key),
                Bound::Unbounded => Vec::new(),
            },
            end_space,
            end,
        }
    }

    /// Every row of a space.
    #[cfg(test)]
    fn of_space(space: storage_core::Space) -> Self {
        Self::of(&KeyRange::all().in_space(space))
    }
}

/// The first key after `key`.
fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

#[cfg(test)]
mod tests {
    use storage_core::Space;

    use super::*;

    #[test]
    fn every_bound_is_a_first_row_or_a_first_row_behind() {
        let range = KeyRange::between("a"..="b").after("a".into());
        let expected = Bounds {
            start_space: 1,
            start: b"a\0".to_vec(),
            end_space: 1,
            end: b"b\0".to_vec(),
        };
        assert_eq!(Bounds::of(&range), expected);
    }

    #[test]
    fn a_space_ends_where_the_next_begins() {
        for (space, number) in [(Space::System, 0), (Space::User, 1)] {
            let expected = Bounds {
                start_space: number,
                start: Vec::new(),
                end_space: number + 1,
                end: Vec::new(),
            };
            assert_eq!(Bounds::of_space(space), expected);
        }
    }
}
