//! The SQLite engine: one database that the `sqlite3` shell can read.
//!
//! SQLite in WAL mode, by way of [rusqlite], compiled in. One connection writes;
//! others read, beside it and beside each other. Commits are `Buffered` or
//! `Synced`; 64 tasks that commit at once share their syncs.
//!
//! ```
//! use storage_core::{ReadExt, Store, StoreExt};
//! use storage_sqlite::SqliteConfig;
//!
//! # fn main() -> storage_core::Result<()> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("data");
//! # storage_core::blocking::block_on(async {
//! let store = SqliteConfig::new(path).open().await?;
//! store.put("height/1", "b5bb9d80").await?;
//! assert!(store.exists("height/1").await?);
//!
//! let done = store.with_engine(|engine| engine.checkpoint()).await?;
//! assert_eq!(done.log_frames, 0);
//! store.close().await?;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # On disk
//! `docs/formats/sqlite.md` describes the tables, the files beside the database,
//! and how to look at it with the shell.
//!
//! # Other programs
//! may read the database while the store is open. One that writes there holds
//! SQLite's write lock: a commit then waits for up to
//! [`busy_timeout`](SqliteConfig::busy_timeout), on a thread of the store's own,
//! and answers `Unavailable` with nothing applied. So may any commit that comes
//! after one of another program, even after its checkpoint: its guards may have
//! been judged before. To try again at once is right. A row that is not as this
//! crate writes it is `Corrupt`.
//!
//! # What it costs
//! Some twenty bytes a row, besides key and value. A commit appends each page
//! that it changes to the log; pages are written to the database once enough of
//! them have gathered, by a thread that may wait. A reader's cached pages are
//! stale after each commit and are read anew. A snapshot keeps a connection, and
//! the log from beginning anew.
//!
//! Reads of up to 128 entries, and commits of up to 64 changes, run on the
//! async thread that asks for them. They wait there for a disk where a page is
//! neither in the connection's cache nor in the operating system's memory: give
//! a store that is larger than memory threads of its own. A read goes to the
//! pool where it would have to open a connection, or to wait for another read of
//! its snapshot; a snapshot may open its connection where it is taken. Where
//! another program makes a checkpoint, the next commit syncs the new log's
//! header, wherever it runs.
//!
//! `Compact` and `Vacuum` keep commits waiting; a vacuum writes the whole
//! database to the log and to a temporary file, in the directory that SQLite
//! finds for those (`SQLITE_TMPDIR`, `TMPDIR`, `/var/tmp`).
//! `Reindex` finds nothing to do as long as the tables have no other index.
//! Closing, and opening again, read a database of up to
//! [`sealed_bytes_max`](SqliteConfig::sealed_bytes_max) once.
//!
//! # What it does not find
//! SQLite's pages have no checksums. A damaged row is always met as such. Damage
//! to a page's own structure may keep a single read from finding a row that is
//! there. The seal finds it when the store is opened, and
//! [`check`](storage_core::Store::check) at any time; in a database too large for
//! the seal, nothing does until then.
//!
//! [rusqlite]: https://docs.rs/rusqlite

mod config;
mod connection;
mod engine;
mod error;
mod failure;
mod log;
mod open;
mod read;
mod readers;
mod report;
mod row;
mod scan;
mod schema;
mod seal;
mod snapshot;
mod upkeep;
mod writer;

pub use self::{
    config::{AutoVacuum, SqliteConfig},
    engine::SqliteEngine,
    report::Fragmentation,
    snapshot::SqliteSnapshot,
    upkeep::Checkpoint,
};

/// A store on SQLite.
pub type SqliteBackend = storage_core::embedded::Embedded<SqliteEngine>;
