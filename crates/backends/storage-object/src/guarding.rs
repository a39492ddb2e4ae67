//! What makes guards true.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};
use twox_hash::XxHash3_64;

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
pub(crate) struct KeyLocks(Vec<Arc<Mutex<()>>>);

/// The lock of a key, which is freed when this is dropped.
pub(crate) type KeyLock = OwnedMutexGuard<()>;

impl KeyLocks {
    /// So many that few who write at once share one.
    const COUNT: usize = 256;

    pub(crate) fn new() -> Self {
        Self((0..Self::COUNT).map(|_| Arc::default()).collect())
    }

    /// Waits until nobody else has the lock of `name`.
    pub(crate) async fn lock(&self, name: &str) -> Option<KeyLock> {
        let count = u64::try_from(self.0.len()).unwrap_or(1);
        let index =
            usize::try_from(XxHash3_64::oneshot(name.as_bytes()) % count).unwrap_or_default();
        let lock = Arc::clone(self.0.get(index)?);
        Some(lock.lock_owned().await)
    }
}
