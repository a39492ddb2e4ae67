//! The header of a store: who it is and which stack wrote it.
//!
//! It lies under a system key of core, below all layers, as plain text, so that
//! any stack can read it, and a person too. `docs/formats/header.md` gives it
//! byte by byte. It is written when a store is first opened as a stack, and
//! from then on only a stack whose layers store data in the same way opens it.

mod compare;
mod identity;
mod settle;
#[cfg(test)]
mod tests;
mod text;

use bytes::Bytes;

use self::compare::Lineup;
pub use self::identity::StoreId;
pub(crate) use self::settle::{is_empty, settle};
use crate::{
    OwnedKey, ReadExt, Result, Sequence, Stamp, Store, SystemKeys,
    layer::{CORE, LayerFormat},
};

/// Who a store is, where its data came from, and which layers wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreHeader {
    /// The identity of the store.
    pub id: StoreId,
    /// The stores this one's data was taken from, the nearest first.
    pub lineage: Vec<Ancestor>,
    /// The layers that alter what is stored, outermost first.
    pub layers: Vec<StoredLayer>,
}

impl StoreHeader {
    /// The newest version of the header that this library reads, and the one
    /// it writes.
    pub const VERSION: u32 = 1;

    /// Reads the header of `store`; `None` if it was never opened as a stack.
    /// The engine gives the same answer as any stack on it.
    ///
    /// # Errors
    /// As for [`Read`](crate::Read). `Corrupt` if the header is damaged,
    /// `Unsupported` if a newer version of this library wrote it.
    pub async fn read<S: Store>(store: &S) -> Result<Option<Self>> {
        let stored = Self::read_stamped(store).await?;
        Ok(stored.map(|(header, _)| header))
    }

    async fn read_stamped<S: Store>(store: &S) -> Result<Option<(Self, Stamp)>> {
        let key = Self::key();
        let Some(entry) = store.get(&key).await? else {
            return Ok(None);
        };
        let header = Self::decode(entry.value()).map_err(|error| error.with_key(&key))?;
        Ok(Some((header, entry.stamp())))
    }

    pub(crate) fn key() -> OwnedKey {
        SystemKeys::of(CORE).key("header")
    }

    pub(crate) fn encode(&self) -> Bytes {
        text::encode(self).into()
    }

    /// What [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// `Corrupt` if it did not write this, `Unsupported` for a newer version.
    pub(crate) fn decode(stored: &[u8]) -> Result<Self> {
        text::decode(stored)
    }
}

/// A store that another store's data was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ancestor {
    /// The identity of that store.
    pub id: StoreId,
    /// The last of its commits that was taken over.
    pub sequence: Sequence,
}

impl Ancestor {
    /// The store `id` as of the commit `sequence`.
    #[must_use]
    pub const fn new(id: StoreId, sequence: Sequence) -> Self {
        Self { id, sequence }
    }
}

/// A layer that alters what is stored, as the header names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredLayer {
    /// The name of the layer.
    pub name: String,
    /// The stored form it writes.
    pub format: LayerFormat,
}

impl StoredLayer {
    /// The layer `name`, which writes `format`.
    #[must_use]
    pub fn new(name: impl Into<String>, format: LayerFormat) -> Self {
        Self {
            name: name.into(),
            format,
        }
    }
}
