//! What is measured: the same calls, whoever answers them.

use std::future::Future;

use anyhow::Result;
use storage::Durability;

/// A key and a value, owned.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// Something that keeps entries. Answers are owned by the caller before they
/// are looked at; what is returned is their size in bytes, so that nothing can
/// be left out.
pub(crate) trait Target: Send + Sync + 'static {
    /// Puts many entries, and brings them to where reads find them for good.
    fn load(&self, entries: Vec<Pair>) -> impl Future<Output = Result<()>> + Send;

    /// The size of the value of `key`.
    fn get(&self, key: &[u8]) -> impl Future<Output = Result<usize>> + Send;

    /// The size of all of up to `entries_max` entries from `start` on.
    fn scan(&self, start: &[u8], entries_max: usize) -> impl Future<Output = Result<usize>> + Send;

    /// Puts an entry.
    fn put(&self, entry: Pair, durability: Durability) -> impl Future<Output = Result<()>> + Send;
}
