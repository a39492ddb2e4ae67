//! One state of a memory store: what a snapshot is.

use std::{fmt, iter};

use bytes::Bytes;
use imbl::OrdMap;

use super::key::{MapKey, Sought};
use crate::{
    Direction, Entry, Item, Key, KeyRange, Projection, Result, Space, Stamp, Timestamp,
    embedded::{Change, EngineRead},
};

type Map = OrdMap<MapKey, Stored>;

/// An entry as the map keeps it.
#[derive(Clone, Debug)]
struct Stored {
    value: Bytes,
    expires: Option<Timestamp>,
    /// Which put it came with.
    version: u64,
}

impl Stored {
    fn entry(&self) -> Entry {
        let stamp = Stamp::of_version(self.version);
        Entry::new(self.value.clone(), self.expires, stamp)
    }
}

/// One state of a memory store. Cloning takes constant time.
#[derive(Clone, Default)]
pub struct MemorySnapshot {
    user: Map,
    system: Map,
    /// Counts puts, to stamp entries with.
    puts: u64,
}

impl MemorySnapshot {
    /// How many entries there are in both spaces.
    pub(super) fn len(&self) -> usize {
        self.user.len() + self.system.len()
    }

    /// Applies changes in order.
    pub(super) fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Put(put) => {
                    self.puts += 1;
                    let stored = Stored {
                        value: put.value,
                        expires: put.expires,
                        version: self.puts,
                    };
                    self.map_mut(put.key.space())
                        .insert(MapKey::new(put.key.into_bytes()), stored);
                }
                Change::Delete(key) => {
                    self.map_mut(key.space()).remove(&Sought::new(key.bytes()));
                }
                Change::DeleteRange(range) => {
                    let map = self.map_mut(range.space());
                    let before = map.clone();
                    for (key, _) in walk(before, range, Direction::Forward) {
                        map.remove(&Sought::new(&key));
                    }
                }
            }
        }
    }

    /// The entries of `range`; the scan keeps this state.
    pub(super) fn into_scan(
        self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> impl Iterator<Item = Result<Item>> + use<> {
        let map = match range.space() {
            Space::User => self.user,
            Space::System => self.system,
        };
        walk(map, range.clone(), direction).map(move |(key, entry)| {
            Ok(match projection {
                Projection::Entries => Item::new(key, entry),
                Projection::Keys => Item::new(key, Entry::without_value(entry.expires())),
            })
        })
    }

    fn map_mut(&mut self, space: Space) -> &mut Map {
        match space {
            Space::User => &mut self.user,
            Space::System => &mut self.system,
        }
    }
}

impl EngineRead for MemorySnapshot {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        let map = match key.space() {
            Space::User => &self.user,
            Space::System => &self.system,
        };
        Ok(map.get(&Sought::new(key.bytes())).map(Stored::entry))
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        Ok(self.clone().into_scan(range, direction, projection))
    }
}

impl fmt::Debug for MemorySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySnapshot")
            .field("entries", &self.len())
            .finish_non_exhaustive()
    }
}

/// Walks through `range` of `map`, finding each entry from the one before it:
/// an iterator over a map of its own.
fn walk(map: Map, range: KeyRange, direction: Direction) -> impl Iterator<Item = (Bytes, Entry)> {
    let mut rest = range;
    iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let bounds = (rest.start().map(Sought::new), rest.end().map(Sought::new));
        let mut entries = map.range(bounds);
        let (key, stored) = match direction {
            Direction::Forward => entries.next(),
            Direction::Reverse => entries.next_back(),
        }?;
        let found = (key.bytes().clone(), stored.entry());
        drop(entries);
        rest = match direction {
            Direction::Forward => rest.after(found.0.clone()),
            Direction::Reverse => rest.before(found.0.clone()),
        };
        Some(found)
    })
}
