//! Stores equal values, and equal parts of large ones, once.
//!
//! ```
//! use storage_core::{ReadExt, Stack, StoreExt, memory::MemoryConfig};
//! use storage_dedup::{DedupConfig, DedupControl, DedupLayer};
//!
//! # fn main() -> storage_core::Result<()> {
//! # storage_core::blocking::block_on(async {
//! let store = Stack::on(MemoryConfig::new().open())
//!     .with(DedupLayer::new(DedupConfig::new()))
//!     .open()
//!     .await?;
//! let photo = vec![7; 100_000];
//! store.put("mail/1/photo", photo.clone()).await?;
//! store.put("mail/2/photo", photo.clone()).await?;
//! assert_eq!(store.get("mail/2/photo").await?.unwrap().value(), &photo);
//! let control: &DedupControl = store.find().expect("the stack deduplicates");
//! assert_eq!(control.stats().stored_bytes, 100_000);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # Where it belongs
//! Outside compression and encryption, since equal values are no longer equal once they are
//! encrypted; inside the cache, which then keeps values that need no putting together, and
//! inside the change log, which sees values as callers wrote them. The compiler checks it
//! ([`phase::Dedup`](storage_core::layer::phase::Dedup)).
//!
//! # What it does
//! A value of less than [`bytes_min`](DedupConfig::bytes_min) stands in the row of its key.
//! Others are chunks, which are named by their keyed BLAKE3 hash: one chunk up to
//! [`CutConfig::bytes_max`], beyond that as many as `FastCDC` cuts. The row then holds the
//! names, and each chunk is stored once, however many rows name it. The row is the truth.
//! Beside it lies a hint for each chunk that says which key may refer to it; overwriting and
//! deleting leave hints behind, which costs neither a read. A collector goes through chunks
//! and hints now and then, and removes what no row refers to (`docs/formats/dedup.md`).
//!
//! # What it needs
//! Batches over the whole store, guards, ordered scans, linearizable reads where they are
//! demanded, and crashes that lose the last commits only. Opening is refused otherwise.
//!
//! # What it promises
//! - Row, chunks and hints are written in one batch: no crash and no failure leaves a row
//!   without its chunks.
//! - A chunk is not removed while a row refers to it, whatever writers and collectors of
//!   whichever processes do at once. That takes a clock that judges expiry and does not go
//!   back: a row that has expired refers to nothing.
//! - What is read is verified against its hash. A row whose chunk is missing is `Corrupt`,
//!   and the error names the hash.
//! - Stamps are those of the row. Guards, swaps, expiries and range deletes act on rows.
//! - Any settings read what any others wrote. Keys-only scans read no chunks.
//! - The layer's own keys are not shown by reads, and writes to them are `Invalid`.
//! - A batch that would exceed the limits of the store below with its chunks is stored
//!   without: its values stand in their rows.
//!
//! # Cancel safety
//! As for the store below. A commit whose values are hashed, or whose chunks the store is
//! asked for, goes to its end once it was polled, whoever leaves, and closing waits for it.
//!
//! # After a crash
//! What a writer or a collector changes at once is one batch. Chunks that were condemned
//! stay so, and the next pass removes them.
//!
//! # What it costs
//! | | |
//! |---|---|
//! | space | 1 byte for a value in its row; about 250 bytes and twice the key for a chunk with one reference, 100 bytes and the key for each other |
//! | limits | values may be 1 byte shorter than below, batches hold 16 operations fewer |
//! | a put of a short value | a copy of it |
//! | of a new value | its hash, a read of a row that is not there, four rows more |
//! | of a known value | its hash, a guard, a row more; a read if it was not seen lately |
//! | a get | a second read, the hash of the value |
//! | memory | about 100 bytes for each hash that is remembered, 64 Ki of them |
//! | threads | one that mostly sleeps; calls of more than 128 KiB work on the [pool](storage_core::Executor) |
//!
//! `cargo xtask bench layers` measures it; `docs/decisions/0035-deduplication.md` says why
//! it is built this way.

mod check;
mod collector;
mod config;
mod control;
mod counters;
mod draft;
mod form;
#[cfg(test)]
mod fuzzed;
mod hash;
mod known;
mod layer;
mod opening;
mod read;
mod rows;
mod shared;
mod stats;
mod store;

pub use self::{
    config::{CollectConfig, CutConfig, DedupConfig},
    control::DedupControl,
    layer::DedupLayer,
    stats::{CollectReport, DedupStats},
    store::DedupStore,
};
