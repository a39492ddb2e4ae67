//! Opening connections to the one database of a store.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use storage_core::{Error, ErrorKind, Result};

use crate::{
    SqliteConfig,
    error::{corrupt, from_sqlite},
    read::STATEMENTS_MAX,
};

/// What the database is called in the directory of a store's data.
pub(crate) const DATABASE: &str = "store.sqlite";

/// What is added to the name of the database for its log.
pub(crate) const LOG_SUFFIX: &str = "-wal";

/// What is said of a database that is no longer where it was.
pub(crate) const MOVED: &str = "the database was removed or replaced while the store was open; put it back, or close the store and open it again";

const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Opens connections, all to the same file.
#[derive(Debug)]
pub(crate) struct Opener {
    /// Leads to the database wherever its directory is moved.
    path: PathBuf,
    file: FileId,
    cache_kib: u64,
    mmap_bytes: u64,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Reading,
    Writing,
}

impl Opener {
    /// Opens connections to the database at `path`, as `config` says.
    ///
    /// SQLite follows the links in the path each time it opens the database.
    ///
    /// # Errors
    /// `Corrupt` if there is none.
    pub(crate) fn new(path: PathBuf, config: &SqliteConfig) -> Result<Self> {
        let file = FileId::of(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => corrupt(&format!("data/{DATABASE} is missing")),
            _ => Error::io(format!("opening {DATABASE}"), error),
        })?;
        Ok(Self {
            path,
            file,
            cache_kib: (config.cache_bytes >> 10).max(1),
            mmap_bytes: config.mmap_bytes,
        })
    }

    /// A connection that only reads, and waits for nobody.
    ///
    /// # Errors
    /// `Unavailable` if the database is no longer where it was.
    pub(crate) fn reader(&self) -> Result<Connection> {
        self.connection(Purpose::Reading)
    }

    /// A connection that writes.
    ///
    /// # Errors
    /// As for [`reader`](Self::reader).
    pub(crate) fn writer(&self) -> Result<Connection> {
        self.connection(Purpose::Writing)
    }

    /// Whether the database is no longer where it was.
    pub(crate) fn has_moved(&self) -> bool {
        FileId::of(&self.path).ok() != Some(self.file)
    }

    fn connection(&self, purpose: Purpose) -> Result<Connection> {
        let opened = Connection::open_with_flags(&self.path, FLAGS);
        // Whoever looks at another database would read what is not in this one.
        if self.has_moved() {
            return Err(moved());
        }
        let connection = opened.map_err(from_sqlite)?;
        self.set_up(&connection, purpose).map_err(from_sqlite)?;
        Ok(connection)
    }

    fn set_up(&self, connection: &Connection, purpose: Purpose) -> rusqlite::Result<()> {
        let is_reader = match purpose {
            Purpose::Reading => "ON",
            Purpose::Writing => "OFF",
        };
        connection.busy_timeout(Duration::ZERO)?;
        // Nothing is written to the database but where it may wait for the disk,
        // and a close that is no clean one leaves the log alone.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        // Otherwise each scan is planned anew, because its bounds are others.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        connection.execute_batch(&format!(
            "PRAGMA wal_autocheckpoint = 0;
             PRAGMA synchronous = NORMAL;
             PRAGMA cell_size_check = ON;
             PRAGMA cache_size = -{};
             PRAGMA mmap_size = {};
             PRAGMA query_only = {is_reader};",
            self.cache_kib, self.mmap_bytes
        ))
    }
}

/// Which file it is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }
}

fn moved() -> Error {
    Error::new(ErrorKind::Unavailable, MOVED).with_retry_after(Duration::from_secs(1))
}
