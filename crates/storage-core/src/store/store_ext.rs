//! Writes with default options, for applications.

use std::{any::Any, any::TypeId, future::Future, time::Duration};

use bytes::Bytes;

use super::{Committed, ReadExt, SnapshotOptions, Store};
use crate::{
    Entry, Error, ErrorKind, Key, KeyRange, Operation, Outcome, OwnedKey, Result, Stamp, Support,
    WriteBatch, WriteOptions,
};

/// Convenient writes, on every store.
///
/// Each is one [`WriteBatch`]; all of them take the store's default options.
///
/// # Errors
/// As for [`commit_with`](Store::commit_with), always with an outcome; those
/// that read first, as for [`Read`](super::Read) too.
///
/// # Durability
/// The strongest the store offers.
///
/// # Cancel safety
/// As for [`commit_with`](Store::commit_with). A future that reads first and is
/// dropped before it has read changes nothing.
pub trait StoreExt: Store + sealed::Sealed + Sized {
    /// Applies `batch`: all of it, or nothing.
    fn commit(&self, batch: WriteBatch) -> impl Future<Output = Result<Committed>> + Send {
        const OPTIONS: &WriteOptions = &WriteOptions::new();
        self.commit_with(batch, OPTIONS)
    }

    /// Sets `key` to `value`, for good.
    fn put(
        &self,
        key: impl Into<OwnedKey>,
        value: impl Into<Bytes>,
    ) -> impl Future<Output = Result<Committed>> + Send {
        self.commit(WriteBatch::new().put(key, value))
    }

    /// Sets `key` to `value` for as long as `time_to_live`, by the store's
    /// clock.
    fn put_for(
        &self,
        key: impl Into<OwnedKey>,
        value: impl Into<Bytes>,
        time_to_live: Duration,
    ) -> impl Future<Output = Result<Committed>> + Send {
        let expires = self.clock().now().after(time_to_live);
        self.commit(WriteBatch::new().put_until(key, value, expires))
    }

    /// Removes `key` and says whether it existed. Of several callers that
    /// delete an existing key at once, one is told `true`.
    ///
    /// A batch removes without asking; it is cheaper.
    fn delete<'a>(
        &self,
        key: impl Into<Key<'a>> + Send,
    ) -> impl Future<Output = Result<bool>> + Send {
        let key = key.into();
        async move {
            let current = self.get(key).await.map_err(not_applied)?;
            if current.is_none() {
                return Ok(false);
            }
            let batch = WriteBatch::new().delete(key);
            if self.capabilities().guards == Support::Unsupported {
                return self.commit(batch).await.map(|_| true);
            }
            match self.commit(batch.present(key)).await {
                Ok(_) => Ok(true),
                Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
                Err(error) => Err(error),
            }
        }
    }

    /// Removes every key of `range`, as one change.
    fn delete_range(&self, range: KeyRange) -> impl Future<Output = Result<Committed>> + Send {
        self.commit(WriteBatch::new().delete_range(range))
    }

    /// Sets `key` to `new` (`None` removes it) if its value is `expected`
    /// (`None` means absent). A new value has no expiry.
    ///
    /// # Errors
    /// `Conflict` means that the value differed from `expected` when the store
    /// looked; `Unsupported` where the store has no guards; `Unavailable`, with
    /// nothing applied, where it shows again and again what it then refuses.
    fn compare_and_swap<'a>(
        &self,
        key: impl Into<Key<'a>> + Send,
        expected: Option<&[u8]>,
        new: Option<Bytes>,
    ) -> impl Future<Output = Result<Committed>> + Send {
        let key = key.into();
        async move {
            let mut refused: Option<Option<Stamp>> = None;
            let mut alike = 0;
            loop {
                let current = self.get(key).await.map_err(not_applied)?;
                if current.as_ref().map(AsRef::as_ref) != expected {
                    return Err(Error::new(
                        ErrorKind::Conflict,
                        "the value is not the expected one; read again and decide anew",
                    )
                    .with_operation(Operation::Commit)
                    .with_outcome(Outcome::NotApplied)
                    .with_key(key));
                }
                let stamp = current.as_ref().map(Entry::stamp);
                if refused.as_ref() == Some(&stamp) {
                    alike += 1;
                }
                if alike == REFUSED_ALIKE_MAX {
                    return Err(Error::new(
                        ErrorKind::Unavailable,
                        "the store goes on showing what it refuses as out of date; try again, or see which layer keeps what it read",
                    )
                    .with_operation(Operation::Commit)
                    .with_outcome(Outcome::NotApplied)
                    .with_retry_after(RETRY_AFTER)
                    .with_key(key));
                }
                let batch = match &stamp {
                    Some(stamp) => WriteBatch::new().unchanged(key, stamp.clone()),
                    None => WriteBatch::new().absent(key),
                };
                let batch = match &new {
                    Some(value) => batch.put(key, value.clone()),
                    None => batch.delete(key),
                };
                match self.commit(batch).await {
                    // The stored form changed; whether the value did, the next
                    // read tells.
                    Err(error) if error.kind() == ErrorKind::Conflict => refused = Some(stamp),
                    answer => return answer,
                }
            }
        }
    }

    /// Takes a snapshot: every commit answered before the call is in it.
    fn snapshot(&self) -> impl Future<Output = Result<Self::Snapshot>> + Send {
        async { self.snapshot_with(&SnapshotOptions::default()).await }
    }

    /// The controls of type `T` that the engine or a layer offers.
    fn find<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.control(TypeId::of::<T>())?.downcast_ref()
    }
}

impl<S: Store> StoreExt for S {}

/// How often a swap reads just what was refused before it gives up. A value that
/// others change back and forth may be met a few times; a layer that does not
/// forget what it read shows it for ever.
const REFUSED_ALIKE_MAX: u32 = 64;

/// When to try a swap again that gave up.
const RETRY_AFTER: Duration = Duration::from_millis(10);

/// The error of a read that a write begins with.
fn not_applied(error: Error) -> Error {
    error.with_outcome(Outcome::NotApplied)
}

mod sealed {
    pub trait Sealed {}
    impl<S: super::Store> Sealed for S {}
}
