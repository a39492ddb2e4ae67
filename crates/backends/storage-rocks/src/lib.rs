//! The RocksDB engine of `storage`: a log-structured merge tree for large data
//! and heavy writes.

mod batch;
mod bounds;
mod checkpoint;
mod config;
mod engine;
mod error;
mod examination;
mod figures;
mod health;
mod log;
mod manifest;
mod options;
mod periodic;
mod reading;
mod scan;
mod snapshot;
mod upkeep;

pub use self::{
    config::{BlobConfig, Compression, IndexMemory, RocksConfig, WriteAheadLog},
    engine::RocksEngine,
    snapshot::RocksSnapshot,
};

/// A store on RocksDB.
pub type RocksBackend = storage_core::embedded::Embedded<RocksEngine>;
