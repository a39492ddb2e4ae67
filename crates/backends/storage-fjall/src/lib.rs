//! The embedded default engine: [fjall], a log-structured merge tree in pure
//! Rust.
//!
//! It needs no server and no C++ toolchain. Reads come from memory or a few
//! small files; writes go to a journal and are sorted into files in the
//! background. Commits are `Buffered` or `Synced`; 64 tasks that commit at once
//! share their syncs.
//!
//! ```
//! use storage_core::{ReadExt, Store, StoreExt};
//! use storage_fjall::FjallConfig;
//!
//! # fn main() -> storage_core::Result<()> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("data");
//! # storage_core::blocking::block_on(async {
//! let store = FjallConfig::new(path).open().await?;
//! store.put("height/1", "b5bb9d80").await?;
//! assert!(store.exists("height/1").await?);
//! store.close().await?;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # On disk
//! `docs/formats/fjall.md` describes the directory: the two files that every
//! embedded store has, fjall's own files under `data/`, and a seal over the
//! journals, written by a clean close, that lets the next open tell damage from
//! a crash.
//!
//! # What it costs
//! One byte for each key and one for each value (nine where it expires). Single
//! reads beside a commit take a snapshot. A range delete reads and deletes each
//! key of the range, and holds all of them in memory. Closing, and dropping the
//! last handle, which closes too, empties journals of more than 1 MiB: what is
//! gathered in memory is written to sorted files first. Then it syncs and reads the
//! journals once to seal them.
//!
//! [fjall]: https://docs.rs/fjall

mod config;
mod engine;
mod error;
mod journal;
mod release;
mod seal;
mod snapshot;
mod stall;
mod torn;
mod visibility;

pub use self::{config::FjallConfig, engine::FjallEngine, snapshot::FjallSnapshot};

/// A store on fjall.
pub type FjallBackend = storage_core::embedded::Embedded<FjallEngine>;
