//! Snapshots, and the reads that live stores share with them.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use storage_core::{
    Direction, Entry, Item, Key, KeyRange, OwnedKey, Projection, Result,
    embedded::{EngineRead, flat_key},
};

use crate::{
    error::unreadable,
    files::{FileName, ReadError},
    index::{Entries, Index},
    removal::Turn,
    shared::Shared,
    version::Version,
};

/// A store of files as of one moment. It keeps the files of that moment.
pub struct FsSnapshot {
    index: Index,
    pin: Pin,
}

impl FsSnapshot {
    pub(crate) fn take(shared: &Arc<Shared>) -> Self {
        let state = shared.state();
        // While nothing new can be shown: what is replaced from now on waits.
        shared.removals().pin(state.turn, state.next);
        Self {
            index: state.index.clone(),
            pin: Pin {
                shared: Arc::clone(shared),
                turn: state.turn,
            },
        }
    }

    /// The items of `range`, which keep the files they need.
    pub(crate) fn into_items(
        self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> impl Iterator<Item = Result<Item>> + use<> {
        self.entries(range, direction)
            .map(move |(key, version)| self.pin.shared.item(key, &version, projection))
    }

    /// As [`into_items`](Self::into_items), for as long as nobody has to wait.
    pub(crate) fn into_cached_items(
        self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> impl Iterator<Item = Option<Result<Item>>> + use<> {
        self.entries(range, direction)
            .map(move |(key, version)| self.pin.shared.cached_item(key, &version, projection))
    }

    fn entries(
        &self,
        range: &KeyRange,
        direction: Direction,
    ) -> impl Iterator<Item = (Bytes, Version)> + use<> {
        let entries = Entries::new(self.index.clone(), flat_key::bounds(range), direction);
        (!range.is_empty()).then_some(entries).into_iter().flatten()
    }
}

impl EngineRead for FsSnapshot {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        flat_key::with_flat(key, |flat| match self.index.get(flat) {
            Some(version) => self.pin.shared.entry(flat, &version).map(Some),
            None => Ok(None),
        })
    }

    fn get_cached(&self, key: Key<'_>) -> Option<Result<Option<Entry>>> {
        flat_key::with_flat(key, |flat| match self.index.get(flat) {
            Some(version) => Some(Ok(Some(self.pin.shared.cached_entry(flat, &version)?))),
            None => Some(Ok(None)),
        })
    }

    fn get_many_cached(&self, keys: &[OwnedKey]) -> Option<Result<Vec<Option<Entry>>>> {
        keys.iter()
            .map(|key| self.get_cached(key.as_key()))
            .collect()
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        let shared = &self.pin.shared;
        let entries = self.entries(range, direction);
        Ok(entries.map(move |(key, version)| shared.item(key, &version, projection)))
    }

    fn scan_cached(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Option<Result<Item>>>> {
        let shared = &self.pin.shared;
        let entries = self.entries(range, direction);
        Ok(entries.map(move |(key, version)| shared.cached_item(key, &version, projection)))
    }
}

impl fmt::Debug for FsSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FsSnapshot")
            .field("turn", &self.pin.turn)
            .finish_non_exhaustive()
    }
}

/// Keeps the files that a snapshot shows.
struct Pin {
    shared: Arc<Shared>,
    turn: Turn,
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.shared.removals().unpin(self.turn);
        self.shared.wake_if_needed();
    }
}

impl Shared {
    /// The present entry of a flat key.
    pub(crate) fn present_entry(&self, key: &[u8]) -> Result<Option<Entry>> {
        let present = || self.state().index.get(key);
        let Some(mut version) = present() else {
            return Ok(None);
        };
        loop {
            match self.value(key, &version) {
                Ok(value) => return Ok(Some(made_of(value, &version))),
                // Nothing keeps the file of a version that has just been replaced.
                Err((name, ReadError::Missing)) => match present() {
                    None => return Ok(None),
                    Some(now) if now != version => version = now,
                    Some(_) => return Err(unreadable(&name, ReadError::Missing)),
                },
                Err((name, error)) => return Err(unreadable(&name, error)),
            }
        }
    }

    /// The present entry of a flat key, if nobody has to wait for it.
    pub(crate) fn present_cached_entry(&self, key: &[u8]) -> Option<Result<Option<Entry>>> {
        let version = self.state().index.get(key);
        match version {
            None => Some(Ok(None)),
            Some(version) => Some(Ok(Some(self.cached_entry(key, &version)?))),
        }
    }

    /// The entry of a version whose file is kept.
    fn entry(&self, key: &[u8], version: &Version) -> Result<Entry> {
        match self.value(key, version) {
            Ok(value) => Ok(made_of(value, version)),
            Err((name, error)) => Err(unreadable(&name, error)),
        }
    }

    fn cached_entry(&self, key: &[u8], version: &Version) -> Option<Entry> {
        let value = match version.file() {
            None => Bytes::new(),
            Some(file) => {
                let name = FileName::new(key, version.id, file.codec);
                self.files.read_cached(&name, file)?.into()
            }
        };
        Some(made_of(value, version))
    }

    fn item(&self, key: Bytes, version: &Version, projection: Projection) -> Result<Item> {
        let entry = match projection {
            Projection::Keys => without_value(version),
            Projection::Entries => self
                .entry(&key, version)
                .map_err(|error| error.with_key(in_space(&key)))?,
        };
        Ok(Item::new(flat_key::unflat(key), entry))
    }

    fn cached_item(
        &self,
        key: Bytes,
        version: &Version,
        projection: Projection,
    ) -> Option<Result<Item>> {
        let entry = match projection {
            Projection::Keys => without_value(version),
            Projection::Entries => self.cached_entry(&key, version)?,
        };
        Some(Ok(Item::new(flat_key::unflat(key), entry)))
    }

    fn value(&self, key: &[u8], version: &Version) -> Result<Bytes, (FileName, ReadError)> {
        let Some(file) = version.file() else {
            return Ok(Bytes::new());
        };
        let name = FileName::new(key, version.id, file.codec);
        match self.files.read(&name, file) {
            Ok(value) => Ok(value.into()),
            Err(error) => Err((name, error)),
        }
    }
}

fn made_of(value: Bytes, version: &Version) -> Entry {
    Entry::new(value, version.expires, version.stamp())
}

fn without_value(version: &Version) -> Entry {
    Entry::without_value(version.expires)
}

/// The key that a flat key stands for.
fn in_space(flat: &[u8]) -> Key<'_> {
    use storage_core::Space;
    match flat.split_first() {
        Some((space, key)) if *space == flat_key::prefix(Space::System) => {
            Key::in_space(Space::System, key)
        }
        Some((_, key)) => Key::user(key),
        None => Key::user(flat),
    }
}
