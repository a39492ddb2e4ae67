//! Snapshots, and the reads that live stores share with them.

use std::fmt;

use bytes::Bytes;
use fjall::{Guard, Keyspace, Readable, Slice, Snapshot};
use storage_core::{
    Direction, Entry, Item, Key, KeyRange, OwnedKey, Projection, Result,
    embedded::{EngineRead, envelope, flat_key},
};

use crate::error::from_fjall;

/// A fjall store as of one moment.
pub struct FjallSnapshot {
    keyspace: Keyspace,
    snapshot: Snapshot,
}

impl FjallSnapshot {
    pub(crate) const fn new(keyspace: Keyspace, snapshot: Snapshot) -> Self {
        Self { keyspace, snapshot }
    }
}

impl EngineRead for FjallSnapshot {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        flat_key::with_flat(key, |stored| self.snapshot.get(&self.keyspace, stored))
            .map_err(from_fjall)
            .and_then(entry)
    }

    fn get_many(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        keys.iter().map(|key| self.get(key.as_key())).collect()
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        Ok(items(
            &self.snapshot,
            &self.keyspace,
            range,
            direction,
            projection,
        ))
    }
}

impl fmt::Debug for FjallSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallSnapshot").finish_non_exhaustive()
    }
}

/// The entry of a stored value.
pub(crate) fn entry(stored: Option<Slice>) -> Result<Option<Entry>> {
    stored.map(Bytes::from).map(envelope::open).transpose()
}

/// The items of `range` in a snapshot, which they outlive: fjall's iterators
/// keep their own.
pub(crate) fn items(
    snapshot: &Snapshot,
    keyspace: &Keyspace,
    range: &KeyRange,
    direction: Direction,
    projection: Projection,
) -> impl Iterator<Item = Result<Item>> + use<> {
    let mut stored = (!range.is_empty())
        .then(|| snapshot.range::<Vec<u8>, _>(keyspace, flat_key::bounds(range)));
    std::iter::from_fn(move || {
        let stored = stored.as_mut()?;
        let guard = match direction {
            Direction::Forward => stored.next(),
            Direction::Reverse => stored.next_back(),
        }?;
        Some(item(guard, projection))
    })
}

fn item(guard: Guard, projection: Projection) -> Result<Item> {
    let (stored_key, stored) = guard.into_inner().map_err(from_fjall)?;
    let key = flat_key::unflat(stored_key);
    Ok(match projection {
        Projection::Entries => Item::new(key, envelope::open(stored.into())?),
        // A key shares the block it was read from, values and all: kept as it
        // is, a page of keys would hold far more than its limit in bytes.
        Projection::Keys => Item::new(
            Bytes::copy_from_slice(&key),
            Entry::without_value(envelope::expires(&stored)?),
        ),
    })
}
