//! The RocksDB engine of `storage`: a log-structured merge tree for large data
//! and heavy writes.
//!
//! What is in memory is read on the caller's thread, and what is on the disk on
//! the pool; writes go to a log and are sorted into files in the background.
//! Large values are kept in files of their own. Commits are `Buffered` or
//! `Synced`, and with [`WriteAheadLog::Off`] `Volatile` or `Synced`; 64 tasks
//! that commit at once share their syncs.
//!
//! ```
//! use storage_core::{KeyRange, ReadExt, Store, StoreExt};
//! use storage_rocks::RocksConfig;
//!
//! # fn main() -> storage_core::Result<()> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let (path, copy) = (directory.path().join("data"), directory.path().join("copy"));
//! # storage_core::blocking::block_on(async {
//! let store = RocksConfig::new(path).open().await?;
//! store.put("height/1", "b5bb9d80").await?;
//! assert!(store.exists("height/1").await?);
//!
//! // What only RocksDB can do.
//! let range = KeyRange::prefix("height/");
//! store
//!     .with_engine(move |engine| {
//!         engine.compact_range(&range)?;
//!         engine.checkpoint(copy)
//!     })
//!     .await?;
//! store.close().await?;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # On disk
//! `docs/formats/rocks.md` describes the directory: the files that every
//! embedded store has, a watermark up to which changes are durable, and RocksDB's
//! own files under `data/`.
//!
//! # What it costs
//! One byte for each key and one for each value (nine where it expires), a copy
//! of what is read, and memory: the cache, up to three write buffers, and the
//! indexes of the files. Closing, and dropping the last handle, which closes too,
//! writes the buffers to files: as many as there are, up to 192 MiB. An open after a crash reads the
//! log twice, to see whether what was synced is there. A scan of keys alone looks
//! at the values' first bytes, in blob files too.
//!
//! # Figures
//! [`Store::stats`](storage_core::Store::stats) tells the bytes of sorted files,
//! blob files and logs, live and garbage; deletes that are not merged away yet;
//! what was committed, written by flushes and by merges, and how many times as
//! much that is (`write_amplification`); the processor time that merges took; how
//! long writes were stalled; and how often blocks, indexes and filters were found
//! in the cache. Those since the open begin at zero with each open.
//! [`RocksEngine::property`] gives everything else that RocksDB tells.

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
mod opening;
mod options;
mod periodic;
mod reading;
mod scan;
mod snapshot;
mod upkeep;
mod writing;

pub use self::{
    config::{BlobConfig, Compression, IndexMemory, RocksConfig, WriteAheadLog},
    engine::RocksEngine,
    snapshot::RocksSnapshot,
};

/// A store on RocksDB.
pub type RocksBackend = storage_core::embedded::Embedded<RocksEngine>;
