//! Reads of one connection.
//!
//! Outside of a transaction, each sees one state of its own.

use std::{mem::ManuallyDrop, ops::Bound};

use rusqlite::{CachedStatement, Connection, params};
use storage_core::{
    Direction, Entry, Item, Key, KeyRange, OwnedKey, Projection, Result, Space, embedded::Chunks,
};

use crate::{
    error::from_sqlite,
    row::{self, entry_columns, space_column},
};

/// How many statements a connection keeps prepared: all that there are.
pub(crate) const STATEMENTS_MAX: usize = 24;

const GET: &str = concat!(
    "SELECT ",
    entry_columns!(),
    " FROM entries WHERE space=?1 AND key=?2"
);

/// The stored entry of `key`.
pub(crate) fn get(connection: &Connection, key: Key<'_>) -> Result<Option<Entry>> {
    let mut statement = connection.prepare_cached(GET).map_err(from_sqlite)?;
    let parameters = params![space_column(key.space()), key.bytes()];
    let mut rows = statement.query(parameters).map_err(from_sqlite)?;
    let found = rows.next().map_err(from_sqlite)?;
    found.map(|row| row::entry(row, key)).transpose()
}

/// The stored entries of `keys`, of one state if the connection is in a
/// transaction.
pub(crate) fn get_many(connection: &Connection, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
    keys.iter()
        .map(|key| get(connection, key.as_key()))
        .collect()
}

/// Reads within one transaction.
pub(crate) fn at_once<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    begin(connection)?;
    let answer = work(connection);
    let ended = end(connection);
    let answer = answer?;
    ended.map(|()| answer)
}

/// Begins a transaction, whose state is that of its first read.
pub(crate) fn begin(connection: &Connection) -> Result<()> {
    run(connection, "BEGIN")
}

/// Ends a transaction that has changed nothing.
pub(crate) fn end(connection: &Connection) -> Result<()> {
    run(connection, "ROLLBACK")
}

fn run(connection: &Connection, statement: &str) -> Result<()> {
    let mut statement = connection.prepare_cached(statement).map_err(from_sqlite)?;
    statement.raw_execute().map(drop).map_err(from_sqlite)
}

macro_rules! scan {
    ($columns:expr, $end:literal, $order:literal) => {
        concat!(
            "SELECT ",
            $columns,
            ",key FROM entries WHERE space=?1 AND key>=?2",
            $end,
            " ORDER BY key",
            $order
        )
    };
}

/// A scan under way, without the connection that it takes.
pub(crate) struct Cursor<'c> {
    statement: CachedStatement<'c>,
    space: Space,
    projection: Projection,
    chunks: Chunks,
    is_over: bool,
}

impl<'c> Cursor<'c> {
    /// Begins a scan: its state is that of the moment of its first step.
    pub(crate) fn begin(
        connection: &'c Connection,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<Self> {
        let Bounds { start, end } = Bounds::of(range);
        let sql = scan_sql(direction, projection, end.is_some());
        let mut statement = connection.prepare_cached(sql).map_err(from_sqlite)?;
        let space = range.space();
        bind(&mut statement, space, &start, end.as_deref()).map_err(from_sqlite)?;
        Ok(Self {
            statement,
            space,
            projection,
            chunks: Chunks::default(),
            is_over: false,
        })
    }

    /// The next item.
    #[expect(clippy::inline_always, reason = "see `Items`")]
    #[inline(always)]
    pub(crate) fn step(&mut self) -> Option<Result<Item>> {
        if self.is_over {
            return None;
        }
        // Dropped, the rows would begin anew with the next step.
        let mut rows = ManuallyDrop::new(self.statement.raw_query());
        match rows.next() {
            Ok(Some(row)) => Some(match self.projection {
                Projection::Entries => row::item(row, self.space, &mut self.chunks),
                Projection::Keys => row::key_item(row, self.space, &mut self.chunks),
            }),
            Ok(None) => {
                self.is_over = true;
                None
            }
            Err(error) => {
                self.is_over = true;
                Some(Err(from_sqlite(error)))
            }
        }
    }
}

impl Drop for Cursor<'_> {
    fn drop(&mut self) {
        // It resets the statement, which ends the read.
        drop(self.statement.raw_query());
    }
}

fn bind(
    statement: &mut CachedStatement<'_>,
    space: Space,
    start: &[u8],
    end: Option<&[u8]>,
) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(1, space_column(space))?;
    statement.raw_bind_parameter(2, start)?;
    match end {
        Some(end) => statement.raw_bind_parameter(3, end),
        None => Ok(()),
    }
}

const fn scan_sql(direction: Direction, projection: Projection, is_bounded: bool) -> &'static str {
    // The expression that stands for a large value is left out with it.
    match (direction, projection, is_bounded) {
        (Direction::Forward, Projection::Entries, false) => scan!(entry_columns!(), "", ""),
        (Direction::Forward, Projection::Entries, true) => {
            scan!(entry_columns!(), " AND key<?3", "")
        }
        (Direction::Forward, Projection::Keys, false) => scan!("NULL,checksum,expires", "", ""),
        (Direction::Forward, Projection::Keys, true) => {
            scan!("NULL,checksum,expires", " AND key<?3", "")
        }
        (Direction::Reverse, Projection::Entries, false) => scan!(entry_columns!(), "", " DESC"),
        (Direction::Reverse, Projection::Entries, true) => {
            scan!(entry_columns!(), " AND key<?3", " DESC")
        }
        (Direction::Reverse, Projection::Keys, false) => {
            scan!("NULL,checksum,expires", "", " DESC")
        }
        (Direction::Reverse, Projection::Keys, true) => {
            scan!("NULL,checksum,expires", " AND key<?3", " DESC")
        }
    }
}

/// The keys of a range: from `start` on, up to but without `end`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) start: Vec<u8>,
    pub(crate) end: Option<Vec<u8>>,
}

impl Bounds {
    pub(crate) fn of(range: &KeyRange) -> Self {
        Self {
            start: match range.start() {
                Bound::Included(key) => key.to_vec(),
                Bound::Excluded(key) => after(key),
                Bound::Unbounded => Vec::new(),
            },
            end: match range.end() {
                Bound::Included(key) => Some(after(key)),
                Bound::Excluded(key) => Some(key.to_vec()),
                Bound::Unbounded => None,
            },
        }
    }
}

/// The first key after `key`.
fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

#[cfg(test)]
mod tests {
    use storage_core::KeyRange;

    use super::*;
    use crate::{SqliteConfig, schema};

    #[test]
    fn every_bound_is_a_first_key_or_a_first_key_behind() {
        let range = KeyRange::between("a"..="b");
        let bounds = Bounds::of(&range.after("a".into()));
        assert_eq!(
            bounds,
            Bounds {
                start: b"a\0".to_vec(),
                end: Some(b"b\0".to_vec()),
            }
        );
    }

    #[test]
    fn every_scan_walks_the_table_in_its_order_and_sorts_nothing() {
        let connection = Connection::open_in_memory().unwrap();
        schema::create(&connection, &SqliteConfig::new("x")).unwrap();
        for direction in [Direction::Forward, Direction::Reverse] {
            for projection in [Projection::Entries, Projection::Keys] {
                for is_bounded in [false, true] {
                    let sql = scan_sql(direction, projection, is_bounded);
                    let mut statement = connection
                        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                        .unwrap();
                    let rows = statement.raw_query().mapped(|row| row.get(3));
                    let steps: Vec<String> = rows.map(Result::unwrap).collect();
                    let first = "SEARCH entries USING PRIMARY KEY (space=? AND key>?";
                    assert!(steps[0].starts_with(first), "{steps:?}");
                    assert!(!steps.iter().any(|step| step.contains("TEMP")), "{steps:?}");
                }
            }
        }
    }
}
