//! What a store holds, in 32 bytes.
//!
//! The hash goes over every entry of both spaces in order, but for the rows
//! that core keeps of the store itself. `docs/formats/digest.md` gives the
//! bytes that are hashed.

use std::fmt;

use super::both_spaces;
use crate::{
    Count, Entry, Key, Read, ReadExt, Result, ScanOptions, Space, Timestamp, layer::is_core_key,
};

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
        let mut hasher = blake3::Hasher::new();
        let mut count = Count::default();
        for range in both_spaces() {
            let space = range.space();
            let mut items = view.scan(range, ScanOptions::new());
            while let Some(item) = items.next().await? {
                let key = Key::in_space(space, &item.key);
                if is_core_key(key) || !item.entry.is_live_at(horizon) {
                    continue;
                }
                update(&mut hasher, key, &item.entry);
                count.entries += 1;
                count.bytes += u64::try_from(item.size_bytes()).unwrap_or(u64::MAX);
                progress(count)?;
            }
        }
        Ok(Self {
            hash: *hasher.finalize().as_bytes(),
            count,
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
    for bytes in [key.bytes(), &entry.value] {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        hasher.update(&length.to_be_bytes()).update(bytes);
    }
    match entry.expires {
        None => hasher.update(&[0]),
        Some(expires) => hasher
            .update(&[1])
            .update(&expires.as_unix_milliseconds().to_be_bytes()),
    };
}
