//! What a store holds, in 32 bytes.
//!
//! The hash goes over every entry of both spaces in order, but for the rows
//! that core keeps of the store itself. `docs/formats/digest.md` gives the
//! bytes that are hashed.

use std::fmt;

use super::entries::entries;
use crate::{Count, Entry, Key, Read, Result, Space, Timestamp};

/// What the entries of a store come to. Two stores with equal digests hold the
/// same keys, values and expiries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Digest {
    /// BLAKE3 over all entries.
    pub hash: [u8; 32],
    /// The entries it goes over, with the bytes of keys and values.
    pub count: Count,
}

impl Digest {
    /// The digest of all entries of `view`, which must give them in order, that
    /// do not expire by `horizon`: those may go while they are read.
    ///
    /// `progress` is called with what was read so far; an error of its ends the
    /// reading.
    ///
    /// # Errors
    /// As for [`Read`].
    ///
    /// # Complexity
    /// Linear in the size of the store; it holds one page at a time.
    pub async fn of<R: Read>(
        view: &R,
        horizon: Timestamp,
        mut progress: impl FnMut(Count) -> Result<()> + Send,
    ) -> Result<Self> {
        let reading = Reading::of(view, horizon, &mut progress).await?;
        Ok(reading.digest)
    }
}

/// A digest, and what may have gone since it was made.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) digest: Digest,
    /// When the first of the entries it goes over expires.
    pub(super) expires_first: Option<Timestamp>,
}

impl Reading {
    /// As for [`Digest::of`].
    pub(super) async fn of<R: Read>(
        view: &R,
        horizon: Timestamp,
        progress: &mut (impl FnMut(Count) -> Result<()> + Send),
    ) -> Result<Self> {
        let mut hasher = blake3::Hasher::new();
        let mut count = Count::default();
        let mut expires_first: Option<Timestamp> = None;
        let mut entries = entries(view);
        while let Some((key, item)) = entries.next().await? {
            let expires = item.entry.expires();
            if !item.entry.is_live_at(horizon) {
                continue;
            }
            update(&mut hasher, key.as_key(), &item.entry);
            expires_first = expires_first.into_iter().chain(expires).min();
            count.add(item.size_bytes());
            progress(count)?;
        }
        let hash = *hasher.finalize().as_bytes();
        Ok(Self {
            digest: Digest { hash, count },
            expires_first,
        })
    }
}

/// The hash in lower-case hexadecimal digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        blake3::Hash::from_bytes(self.hash).fmt(f)
    }
}

/// Each part is preceded by its length, so no two entries look alike.
fn update(hasher: &mut blake3::Hasher, key: Key<'_>, entry: &Entry) {
    let space = match key.space() {
        Space::System => 0,
        Space::User => 1,
    };
    hasher.update(&[space]);
    for bytes in [key.bytes(), entry.value()] {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        hasher.update(&length.to_be_bytes()).update(bytes);
    }
    match entry.expires() {
        None => hasher.update(&[0]),
        Some(expires) => hasher
            .update(&[1])
            .update(&expires.as_unix_milliseconds().to_be_bytes()),
    };
}
