//! The sled engine: [sled] 0.34, a tree over a log, in pure Rust.
//!
//! ```
//! use storage_core::{ReadExt, Store, StoreExt};
//! use storage_sled::SledConfig;
//!
//! # fn main() -> storage_core::Result<()> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("data");
//! # storage_core::blocking::block_on(async {
//! let store = SledConfig::new(path).open().await?;
//! store.put("height/1", "b5bb9d80").await?;
//! assert!(store.exists("height/1").await?);
//! store.close().await?;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # What it promises
//! Commits are `Volatile` or `Synced`; one that asks for `Buffered` is synced.
//! A `Volatile` commit lies in sled's memory until some 4 MiB have gathered or
//! something is synced, and dies with the process. A crash takes a suffix of the
//! commits that were not synced. There are no snapshots: a page of a scan and a
//! multi-get show one state, and commits wait while they are read.
//!
//! What sled calls flushed does not survive a loss of power. How this engine
//! makes it survive is told by `docs/decisions/0023-sled-durability.md`.
//!
//! # On disk
//! `docs/formats/sled.md` describes the directory: the files that every embedded
//! store has, and sled's own under `data/`.
//!
//! # What it costs
//! One byte for each key and one for each value (nine where it expires). Some
//! ten bytes of the log whenever it is looked where the log is: with each batch,
//! each sync, and each 64 single changes or 16 KiB. A sync for each 4 MiB of the
//! log, by a thread of its own. A value over 16 KiB is cut into pieces and read
//! before it is replaced; once there is one, so is every value. A range delete
//! reads and deletes each key of the range, and holds all of them in memory.
//! Opening after a crash, and closing, read the log that was written since the
//! last open.
//!
//! # Known limits of sled
//! The crate's README lists them, with sources: space, memory, batches that make
//! everybody wait, threads that stay, and what a panic in one of them ends.
//!
//! [sled]: https://docs.rs/sled/0.34.7

mod config;
mod engine;
mod error;
mod files;
mod log;
mod rows;
mod scan;

pub use self::{config::SledConfig, engine::SledEngine};

/// A store on sled.
pub type SledBackend = storage_core::embedded::Embedded<SledEngine>;
