//! The tables of a store, and whether a database has them.
//!
//! `docs/formats/sqlite.md` describes each column.

use rusqlite::Connection;
use storage_core::{Error, ErrorKind, Result};

use crate::{
    AutoVacuum, SqliteConfig,
    error::{corrupt, from_sqlite},
};

/// What the header of the database calls the application it belongs to: `stor`.
const APPLICATION_ID: i32 = 0x7374_6f72;

/// The version of the tables. It is that of the directory's format, too.
pub(crate) const VERSION: u32 = 1;

/// What the database consists of: the name of each table or view, and the
/// statement that makes it, as SQLite keeps it.
const OBJECTS: [(&str, &str); 4] = [
    ("entries", include_str!("schema/entries.sql")),
    ("large_values", include_str!("schema/large_values.sql")),
    ("log", include_str!("schema/log.sql")),
    (
        "entries_as_text",
        include_str!("schema/entries_as_text.sql"),
    ),
];

/// Makes the tables in an empty database.
pub(crate) fn create(connection: &Connection, config: &SqliteConfig) -> rusqlite::Result<()> {
    let auto_vacuum = match config.auto_vacuum {
        AutoVacuum::None => "NONE",
        AutoVacuum::Incremental => "INCREMENTAL",
        AutoVacuum::Full => "FULL",
    };
    // The first two must come before anything is written.
    connection.execute_batch(&format!(
        "PRAGMA page_size = {};
         PRAGMA auto_vacuum = {auto_vacuum};
         PRAGMA journal_mode = WAL;
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {VERSION};",
        config.page_bytes
    ))?;
    for (_, statement) in OBJECTS {
        connection.execute_batch(statement.trim_end())?;
    }
    connection.execute_batch("INSERT INTO log VALUES (0)")
}

/// Checks that the database is a store of this version or an earlier one, and
/// nothing else.
///
/// # Errors
/// `Unsupported` for a newer version, `Invalid` for tables that somebody added,
/// `Corrupt` for any other difference.
pub(crate) fn verify(connection: &Connection) -> Result<()> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = pragma("application_id").map_err(unreadable)?;
    if application != i64::from(APPLICATION_ID) {
        return Err(corrupt(&format!(
            "the database is not the one that the store was made with: its application_id is {application:#x}"
        )));
    }
    let version = pragma("user_version").map_err(unreadable)?;
    if version > i64::from(VERSION) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the database has user_version {version}, this version knows up to {VERSION}; upgrade"
            ),
        ));
    }
    if version != i64::from(VERSION) {
        return Err(corrupt(&format!("the database has user_version {version}")));
    }
    let mut found = objects(connection).map_err(unreadable)?;
    for (name, statement) in OBJECTS {
        let position = found
            .iter()
            .position(|(found, text)| found == name && text == statement.trim_end());
        match position {
            Some(position) => drop(found.swap_remove(position)),
            None => {
                return Err(corrupt(&format!(
                    "the database has no {name} as the store made it"
                )));
            }
        }
    }
    match found.first() {
        None => Ok(()),
        Some((name, _)) => Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "the database holds {name}, which is not the store's; move it to a database of its own and drop it here"
            ),
        )),
    }
}

/// The names and statements of what the database consists of, except for what
/// SQLite makes for itself.
fn objects(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = connection.prepare(
        "SELECT name, ifnull(sql, '') FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*'",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// The schema of a sound database can be read.
pub(crate) fn unreadable(error: rusqlite::Error) -> Error {
    let made = from_sqlite(error);
    match made.kind() {
        ErrorKind::Internal => corrupt(&format!(
            "the tables of the database cannot be read ({})",
            made.message()
        )),
        _ => made,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        create(&connection, &SqliteConfig::new("x")).unwrap();
        verify(&connection).unwrap();
        connection
    }

    fn refused(statement: &str) -> Error {
        let connection = made();
        connection.execute_batch(statement).unwrap();
        verify(&connection).unwrap_err()
    }

    #[test]
    fn a_database_of_somebody_else_is_refused() {
        let error = verify(&Connection::open_in_memory().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        let error = refused("PRAGMA application_id = 7");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains("application_id"), "{error}");
    }

    #[test]
    fn a_newer_version_is_refused_and_an_unknown_one_is_damage() {
        let error = refused("PRAGMA user_version = 2");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("upgrade"), "{error}");
        let error = refused("PRAGMA user_version = 0");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn tables_that_are_not_the_stores_are_refused_by_name() {
        let error = refused("CREATE TABLE notes (text)");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains("notes"), "{error}");
        let error = refused("CREATE TRIGGER t DELETE ON entries BEGIN SELECT 1; END");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }

    #[test]
    fn a_table_that_is_missing_or_changed_is_damage() {
        for statement in [
            "DROP VIEW entries_as_text",
            "DROP TABLE log",
            "ALTER TABLE entries ADD COLUMN note TEXT",
        ] {
            let error = refused(statement);
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{statement}");
        }
    }

    #[test]
    fn what_analyze_leaves_belongs_there() {
        let connection = made();
        connection
            .execute_batch("INSERT INTO entries VALUES (1, x'01', NULL, 0, NULL, x''); ANALYZE")
            .unwrap();
        verify(&connection).unwrap();
    }
}
