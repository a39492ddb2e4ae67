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
//! cheaply: between 512 B and 64 KiB by a look at 512 of its bytes, and after 64 misses
//! in a row by its [namespace](storage_core::Namespace), of which one value in 64 is
//! tried from then on, until one gets smaller.
//!
//! # What it promises
//! - A value is read as it was written, or the read is `Corrupt`: a changed byte anywhere
//!   in a stored form is found, but for one in 2^32 by chance.
//! - No more memory is taken for a value than the store allows a value to have, whatever
//!   a damaged form claims.
//! - Any settings read what any others wrote.
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
//! under way at once.
//!
//! # After a crash
//! Nothing is kept beside the values, so there is nothing to be out of step.
//!
//! # What it costs
//! | | |
//! |---|---|
//! | space | 5 bytes for a value that is stored as it is, 6 to 10 and what the codec needs for others |
//! | limits | values may be 5 bytes shorter than below, batches hold 16 operations fewer |
//! | a put | a copy of the value, its checksum; the codec's work |
//! | a get | a checksum, a stamp; the codec's work |
//! | threads | calls of more than 64 KiB (about 0.3 ms of zstd at level 1; less for slow levels) or 1,024 values work on the [pool](storage_core::Executor) |
//!
//! `cargo xtask bench layers` measures it; `docs/decisions/0037-compression.md` says why
//! it is built this way.

mod check;
mod codec;
mod config;
mod control;
mod counters;
mod decoder;
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
    layer::CompressLayer,
    stats::{CodecStats, CompressStats},
    store::CompressStore,
};
