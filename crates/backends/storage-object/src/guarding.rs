//! What makes guards true.

use tokio::sync::{Mutex, MutexGuard};
use xxhash_rust::xxh3::xxh3_64;

/// How commits of one key are kept from each other, here and everywhere else.
#[derive(Debug)]
pub(crate) enum Guarding {
    /// By conditions of requests, which the server honours.
    Requests,
    /// By locks: nobody else has the objects.
    Locks(KeyLocks),
    /// By nothing.
    None {
        /// Why.
        reason: String,
    },
}

/// Locks for all keys, shared by those whose hashes share them.
#[derive(Debug)]
pub(crate) struct KeyLocks(Vec<Mutex<()>>);

impl KeyLocks {
    /// So many that few who write at once share one.
    const COUNT: usize = 256;

    pub(crate) fn new() -> Self {
        Self((0..Self::COUNT).map(|_| Mutex::new(())).collect())
    }

    /// Waits until nobody else has the lock of `name`.
    pub(crate) async fn lock(&self, name: &str) -> Option<MutexGuard<'_, ()>> {
        let count = u64::try_from(self.0.len()).unwrap_or(1);
        let index = usize::try_from(xxh3_64(name.as_bytes()) % count).unwrap_or_default();
        Some(self.0.get(index)?.lock().await)
    }
}
