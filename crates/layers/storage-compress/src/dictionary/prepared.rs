//! A dictionary that is ready to be used.

use std::{fmt, io, sync::OnceLock};

use bytes::Bytes;
use zstd::zstd_safe::{CDict, DDict};

use super::{DictionaryId, row::Row};

/// A dictionary, with what the codec makes of it when it is first used.
pub(crate) struct Dictionary {
    pub(crate) id: DictionaryId,
    /// The prefix of the namespace whose values it was made from.
    pub(crate) namespace: Bytes,
    /// The seed of the checksums of what is packed with it.
    pub(crate) hash: u64,
    content: Bytes,
    compressing: OnceLock<CDict<'static>>,
    decompressing: OnceLock<DDict<'static>>,
}

impl Dictionary {
    pub(super) fn new(id: DictionaryId, row: Row) -> Self {
        Self {
            id,
            namespace: row.namespace,
            hash: row.hash,
            content: row.content,
            compressing: OnceLock::new(),
            decompressing: OnceLock::new(),
        }
    }

    /// What compresses with it. The first level that is asked for is the one.
    ///
    /// # Errors
    /// If the codec does not understand it, or has too little memory.
    pub(super) fn compressing(&self, level: i32) -> io::Result<&CDict<'static>> {
        prepared(&self.compressing, || {
            CDict::try_create(&self.content, level)
        })
    }

    /// What decompresses with it.
    ///
    /// # Errors
    /// As for [`compressing`](Self::compressing).
    pub(super) fn decompressing(&self) -> io::Result<&DDict<'static>> {
        prepared(&self.decompressing, || DDict::try_create(&self.content))
    }
}

fn prepared<T>(cell: &OnceLock<T>, prepare: impl FnOnce() -> Option<T>) -> io::Result<&T> {
    if let Some(prepared) = cell.get() {
        return Ok(prepared);
    }
    let made = prepare().ok_or_else(|| io::Error::other("the dictionary cannot be prepared"))?;
    Ok(cell.get_or_init(|| made))
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary")
            .field("id", &self.id)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}
