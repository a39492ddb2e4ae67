//! Moving many entries: few commits for many puts, and copies of whole stores.
//!
//! A [`BulkWriter`] gathers puts into batches of bounded size. A [`CopySource`]
//! is one state of a store that is copied to another: both spaces, as they lie
//! below the layers, so what layers keep for themselves goes with the data they
//! keep it for. A [`Digest`] says in 32 bytes what a store holds.
//!
//! ```
//! use storage_core::{StoreExt, ReadExt, bulk::{CopyOptions, CopySource}, memory::MemoryConfig};
//!
//! # fn main() -> storage_core::Result<()> {
//! # storage_core::blocking::block_on(async {
//! let (from, to) = (MemoryConfig::new().open(), MemoryConfig::new().open());
//! from.put("planet/3", "Earth").await?;
//!
//! let source = CopySource::of_snapshot(&from).await?;
//! source.copy_to(&to, &CopyOptions::default(), |_| Ok(())).await?;
//! // An engine on disk is closed and opened again here.
//! let digest = source.verify(&to, |_| Ok(())).await?;
//! assert_eq!(digest.count.entries, 1);
//! assert_eq!(to.get("planet/3").await?.unwrap().value(), "Earth");
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! A copy that is cut off, by a crash or by dropping its future, leaves a
//! [mark](unfinished_copy) in the target and is resumed by running it again with
//! [`CopyStart::Resume`]. `docs/formats/copy.md` says what is in a target when.

mod copy;
mod digest;
mod entries;
mod mark;
mod sequence;
mod source;
#[cfg(test)]
mod tests;
mod together;
mod verify;
mod writer;

pub use self::{
    copy::{CopyOptions, CopyStart},
    digest::Digest,
    mark::unfinished_copy,
    source::CopySource,
    writer::{BulkLimits, BulkReport, BulkWriter, Unchanged},
};
