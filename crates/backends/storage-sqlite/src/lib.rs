//! The SQLite engine: one database that the `sqlite3` shell can read.

mod config;
mod connection;
mod engine;
mod error;
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
