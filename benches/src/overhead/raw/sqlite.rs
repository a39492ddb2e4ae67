//! SQLite, with the settings that `storage` opens it with: one connection that
//! writes, and as many that read as are needed at once.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::Result;
use rusqlite::{Connection, OpenFlags, OptionalExtension, config::DbConfig};
use storage::{Durability, sqlite::SqliteConfig};

use super::super::target::{Pair, Target};

/// A table of keys and values.
#[derive(Debug)]
pub(crate) struct RawSqlite {
    config: SqliteConfig,
    path: PathBuf,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
}

#[derive(Debug)]
struct Writer {
    connection: Connection,
    /// What `synchronous` is set to.
    durability: Durability,
}

impl RawSqlite {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let config = SqliteConfig::new(path);
        let connection = connect(path, &config)?;
        connection.execute_batch(
            "CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
        )?;
        Ok(Self {
            config,
            path: path.to_owned(),
            writer: Mutex::new(Writer {
                connection,
                durability: Durability::Buffered,
            }),
            readers: Mutex::default(),
        })
    }

    /// Reads with a connection that nobody else uses meanwhile.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let free = self.free_readers().pop();
        let connection = match free {
            Some(connection) => connection,
            None => connect(&self.path, &self.config)?,
        };
        let read = work(&connection)?;
        self.free_readers().push(connection);
        Ok(read)
    }

    fn free_readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(path: &Path, config: &SqliteConfig) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "page_size", config.page_bytes)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let pages = config.checkpoint_bytes / u64::from(config.page_bytes);
    connection.pragma_update(None, "wal_autocheckpoint", i64::try_from(pages)?)?;
    // Negative numbers count KiB.
    let cache_kib = i64::try_from(config.cache_bytes >> 10)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "mmap_size", i64::try_from(config.mmap_bytes)?)?;
    Ok(connection)
}

impl Target for RawSqlite {
    async fn load(&self, entries: Vec<Pair>) -> Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = writer.connection.transaction()?;
        for entry in entries {
            insert(&transaction, &entry)?;
        }
        transaction.commit()?;
        writer
            .connection
            .pragma_query(None, "wal_checkpoint", |_| Ok(()))?;
        Ok(())
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        let value: Option<Vec<u8>> = self.read(|connection| {
            connection
                .prepare_cached("SELECT value FROM entries WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()
        })?;
        Ok(value.map_or(0, |value| value.len()))
    }

    async fn scan(&self, start: &[u8], entries_max: usize) -> Result<usize> {
        let entries_max = i64::try_from(entries_max)?;
        let found: Vec<Pair> = self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT key, value FROM entries WHERE key >= ?1 ORDER BY key LIMIT ?2",
                )?
                .query_map((start, entries_max), |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        Ok(found
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum())
    }

    async fn put(&self, entry: Pair, durability: Durability) -> Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.durability != durability {
            let synchronous = match durability {
                Durability::Synced => "FULL",
                _ => "NORMAL",
            };
            writer
                .connection
                .pragma_update(None, "synchronous", synchronous)?;
            writer.durability = durability;
        }
        insert(&writer.connection, &entry)?;
        Ok(())
    }
}

fn insert(connection: &Connection, (key, value): &Pair) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO entries (key, value) VALUES (?1, ?2)")?
        .execute((key, value))
        .map(drop)
}
