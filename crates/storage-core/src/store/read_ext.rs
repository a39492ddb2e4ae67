//! Reads with default options, for applications.

use std::future::Future;

use super::{Read, Scan};
use crate::{Entry, Key, KeyRange, OwnedKey, ReadOptions, Result, ScanOptions};

/// Convenient reads, on every store and every snapshot.
///
/// # Errors
/// As for [`Read`].
///
/// # Cancel safety
/// Dropping a future or a scan has no effect on the store.
pub trait ReadExt: Read + sealed::Sealed + Sized {
    /// The entry of `key`, unless it is absent or has expired.
    fn get<'a>(
        &self,
        key: impl Into<Key<'a>> + Send,
    ) -> impl Future<Output = Result<Option<Entry>>> + Send {
        const OPTIONS: &ReadOptions = &ReadOptions::new();
        self.get_with(key.into(), OPTIONS)
    }

    /// The entries of `keys`, in their order.
    fn get_many(
        &self,
        keys: &[OwnedKey],
    ) -> impl Future<Output = Result<Vec<Option<Entry>>>> + Send {
        const OPTIONS: &ReadOptions = &ReadOptions::new();
        self.get_many_with(keys, OPTIONS)
    }

    /// Whether `key` has an entry.
    fn exists<'a>(
        &self,
        key: impl Into<Key<'a>> + Send,
    ) -> impl Future<Output = Result<bool>> + Send {
        let key = key.into();
        async move { Ok(self.get(key).await?.is_some()) }
    }

    /// Walks through the entries of `range`.
    fn scan(&self, range: KeyRange, options: ScanOptions) -> Scan<'_, Self> {
        Scan::new(self, range, options)
    }

    /// Walks through the user entries whose key begins with `prefix`.
    fn scan_prefix(&self, prefix: impl Into<OwnedKey>) -> Scan<'_, Self> {
        self.scan(
            KeyRange::prefix(prefix.into().into_bytes()),
            ScanOptions::new(),
        )
    }

    /// How many entries `range` has.
    ///
    /// # Complexity
    /// Linear in the number of entries: it reads every key.
    fn count(&self, range: KeyRange) -> impl Future<Output = Result<u64>> + Send {
        async move {
            let options = ScanOptions::new().keys_only();
            let mut rest = Some(range);
            let mut count = 0_u64;
            while let Some(range) = rest {
                let page = self.scan_with(&range, &options).await?;
                count += u64::try_from(page.items.len()).unwrap_or(u64::MAX);
                rest = page.next;
            }
            Ok(count)
        }
    }
}

impl<R: Read> ReadExt for R {}

mod sealed {
    pub trait Sealed {}
    impl<R: super::Read> Sealed for R {}
}
