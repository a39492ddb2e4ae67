//! The filesystem engine: each value is a file that a person can open.
//!
//! An index in memory knows the file of each key. A commit makes its files and
//! then writes one record to a log, which is when it happens. `Buffered` is what
//! the operating system has; a sync makes the log durable, which for small
//! values holds their content too, so it takes one wait for the disk, for
//! however many commits gather.
//!
//! ```
//! use storage_core::{Key, ReadExt, Store, StoreExt};
//! use storage_fs::FsConfig;
//!
//! # fn main() -> storage_core::Result<()> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("photos");
//! # storage_core::blocking::block_on(async {
//! let store = FsConfig::new(path).open().await?;
//! store.put("cat.jpg", "…").await?;
//! let file = store
//!     .with_engine(|engine| Ok(engine.file_of(Key::from("cat.jpg"))))
//!     .await?
//!     .unwrap();
//! // …/photos/data/values/0/000/1.cat.jpg
//! assert_eq!(std::fs::read_to_string(file).unwrap(), "…");
//! store.close().await?;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # Where a value is
//! `data/values/<n / 1,000,000>/<n / 1,000 mod 1,000>/<n>.<key>`, where n counts
//! puts. The key is shown as far as it fits; what might not do in a name is
//! written as in a URL. [`FsEngine::file_of`] tells the path, and
//! `find data/values -name '*.cat.jpg'` finds it. Values without bytes have no
//! file. `docs/formats/fs.md` describes everything byte by byte.
//!
//! # What it costs
//! Memory for each key: what it does not share with the one before it, and some
//! 16 bytes. A file for each value: an inode, and no less than a block of the
//! disk. Values of up to 128 KiB are written twice, once to the log. A range
//! delete holds all keys of the range in memory.

mod base;
mod check;
mod codec;
mod commit;
mod config;
mod engine;
mod error;
mod files;
mod index;
mod inspect;
mod log;
mod prepare;
mod recovery;
mod removal;
mod shared;
mod snapshot;
mod synced;
mod upkeep;
mod version;
mod versions;
mod wire;
mod writer;

pub use self::{
    codec::Codec,
    config::{FsConfig, Settling},
    engine::FsEngine,
    snapshot::FsSnapshot,
};

/// A store of files.
pub type FsBackend = storage_core::embedded::Embedded<FsEngine>;
