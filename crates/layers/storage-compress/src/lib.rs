//! Makes values smaller where that pays, and finds every damage of what it wrote.
//!
//! ```
//! use storage_compress::{CompressConfig, CompressControl, CompressLayer};
//! use storage_core::{ReadExt, Stack, StoreExt, memory::MemoryConfig};
//!
//! # fn main() -> storage_core::Result<()> {
//! # storage_core::blocking::block_on(async {
//! let store = Stack::on(MemoryConfig::new().open())
//!     .with(CompressLayer::new(CompressConfig::new()))
//!     .open()
//!     .await?;
//! let text = "So it goes. ".repeat(100);
//! store.put("chorus", text.clone()).await?;
//! assert_eq!(store.get("chorus").await?.unwrap().value(), &text);
//! let control: &CompressControl = store.find().expect("the stack compresses");
//! assert!(control.stats().ratio() > 10.0);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # Where it belongs
//! Outside encryption, since ciphertext does not compress; inside the cache, which then
//! keeps what needs no decoding, and inside the change log and dedup, which see values as
//! callers wrote them. The compiler checks it
//! ([`phase::Compress`](storage_core::layer::phase::Compress)).
//!
//! # What it does
//! Each value is stored in a form that says of itself how it is to be read
//! (`docs/formats/compress.md`), and that ends with a checksum. A value is compressed if
//! it has at least [`bytes_min`](CompressConfig::bytes_min) bytes and that saves an
//! eighth of it; else it is stored as it is. What will not get smaller is recognised
//! cheaply: from 512 B on by a look at 512 of its bytes, above 64 KiB at as many of each
//! sixteenth, and after 64 misses
//! in a row by its [namespace](storage_core::Namespace), of which one value in 64 is
//! tried from then on, until one gets smaller.
//!
//! Small values have little in them that repeats, and much that is in their neighbours, too.
//! From the first thousand of a namespace a *dictionary* is made
//! ([`dictionaries`](CompressConfig::dictionaries)), if that saves a sixteenth more than
//! there is to save without. Values of 64 B to 4 KiB are compressed with it from then on:
//! JSON records of 200 B to two fifths instead of not at all, of 1 KB to less than a third
//! instead of more than half. When it does worse than it did, another one is tried. A
//! namespace gets 8 at most, a store 128; they are kept in the store for good.
//!
//! # What it promises
//! - A value is read as it was written, or the read is `Corrupt`: a changed byte anywhere
//!   in a stored form is found, but for one in 2^32 by chance.
//! - No more memory is taken for a value than the store allows a value to have, whatever
//!   a damaged form claims.
//! - Any settings read what any others wrote.
//! - A dictionary is durable before the first value that refers to it, and is never removed or
//!   replaced. Should it be missing or damaged all the same, its values are `Corrupt`, with its id
//!   and the namespace, and [`check`](storage_core::Store::check) names it.
//! - Handles and processes that share a store may all make dictionaries, and read each
//!   other's.
//! - Stamps are those of the store below. The same value may be stored in another form
//!   when it is written again: then its stamp differs, and a guard on the old one does
//!   not hold.
//! - Keys, expiries, guards and deletes pass as they are. Keys-only scans decode nothing.
//!
//! # Cancel safety
//! As for the store below. A commit that is compressed on the pool (see
//! [`inline_bytes_max`](CompressConfig::inline_bytes_max)) goes to its end once it was polled,
//! whoever leaves, and closing waits for it. It gets its place among the commits when it is
//! compressed: those that begin meanwhile may come before it, as they may of any two that are
//! under way at once. Dictionaries are made on the pool; no commit waits for one, and closing
//! waits for the one that is being made. A store that is dropped instead stays open while a
//! dictionary is being stored; one that is only trained is given up.
//!
//! # After a crash
//! Beside the values there are only the dictionaries, each of which is there before it is used;
//! samples that were gathered are gathered again.
//!
//! # What it costs
//! | | |
//! |---|---|
//! | space | 5 bytes for a value that is stored as it is, 6 to 10 and what the codec needs for others |
//! | limits | values may be 5 bytes shorter than below, batches hold 16 operations fewer |
//! | a put | a copy or a move of the value, its checksum; the codec's work; for samples, another copy |
//! | a get | a checksum, a stamp; the codec's work; a read of a dictionary that is not in memory |
//! | an open | a scan of all dictionaries, unless they are switched off |
//! | a dictionary | about 0.05 s of the pool; up to 16 KiB in the store, and 110 KiB of memory once it is used |
//! | samples | up to 512 KiB of memory for each of at most eight namespaces at once |
//! | threads | calls of more than 64 KiB (about 0.3 ms of zstd at level 1; less for slow levels; more for puts of long values that look random) or 1,024 values work on the [pool](storage_core::Executor) |
//!
//! `cargo xtask bench layers` measures it; `docs/decisions/0037-compression.md` and
//! `docs/decisions/0041-dictionaries.md` say why it is built this way.

mod check;
mod codec;
mod config;
mod control;
mod counters;
mod decoder;
mod dictionary;
mod encoder;
mod form;
mod layer;
mod namespaces;
mod probe;
mod read;
mod shared;
mod stats;
mod store;

pub use self::{
    codec::Codec,
    config::CompressConfig,
    control::CompressControl,
    dictionary::DictionaryConfig,
    layer::CompressLayer,
    stats::{CodecStats, CompressStats, DictionaryStats},
    store::CompressStore,
};
