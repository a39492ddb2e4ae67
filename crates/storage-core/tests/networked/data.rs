//! What the test engine keeps: an ordered map, and the number of the last commit.

use std::collections::BTreeMap;

use storage_core::{
    Committed, Direction, Durability, Entry, Error, Item, KeyRange, Mutation, OwnedKey, Page,
    Projection, Put, ScanOptions, Sequence, Stamp, Timestamp, WriteBatch,
};

#[derive(Clone, Debug, Default)]
pub(crate) struct Data {
    entries: BTreeMap<OwnedKey, Entry>,
    last: u64,
    puts: u64,
}

impl Data {
    pub(crate) fn sequence(&self) -> Sequence {
        Sequence::new(self.last)
    }

    pub(crate) fn get_many(&self, keys: &[OwnedKey]) -> Vec<Option<Entry>> {
        keys.iter()
            .map(|key| self.entries.get(key).cloned())
            .collect()
    }

    pub(crate) fn scan(&self, range: &KeyRange, options: &ScanOptions, now: Timestamp) -> Page {
        let mut live: Vec<_> = self
            .entries
            .iter()
            .filter(|(key, entry)| range.contains(key.as_key()) && entry.is_live_at(now))
            .collect();
        if options.direction == Direction::Reverse {
            live.reverse();
        }
        let mut items: Vec<Item> = Vec::new();
        let mut bytes = 0;
        for (key, entry) in live {
            let entry = match options.projection {
                Projection::Entries => entry.clone(),
                Projection::Keys => Entry::without_value(entry.expires()),
            };
            let item = Item::new(key.bytes().clone(), entry);
            bytes += item.size_bytes();
            let is_too_much = bytes > options.bytes_max && !items.is_empty();
            if is_too_much || items.len() == options.entries_max {
                let rest = items.last().map(|last: &Item| match options.direction {
                    Direction::Forward => range.after(last.key.clone()),
                    Direction::Reverse => range.before(last.key.clone()),
                });
                return Page::new(items, rest);
            }
            items.push(item);
        }
        Page::new(items, None)
    }

    /// Applies a batch whose guards hold.
    pub(crate) fn commit(
        &mut self,
        batch: &WriteBatch,
        durability: Durability,
        now: Timestamp,
    ) -> storage_core::Result<Committed> {
        for (index, guard) in batch.guards().iter().enumerate() {
            let entry = self.entries.get(guard.key());
            if !guard.holds(entry.filter(|entry| entry.is_live_at(now))) {
                return Err(Error::conflict(index, guard));
            }
        }
        self.last += 1;
        let sequence = self.sequence();
        for mutation in batch.mutations() {
            match mutation.clone() {
                Mutation::Put(put) => self.put(put),
                Mutation::PutSequenced(put) => self.put(put.at(sequence)),
                Mutation::Delete(key) => drop(self.entries.remove(&key)),
                Mutation::DeleteRange(range) => {
                    self.entries.retain(|key, _| !range.contains(key.as_key()));
                }
            }
        }
        Ok(Committed::new(Some(sequence), durability))
    }

    fn put(&mut self, put: Put) {
        self.puts += 1;
        let entry = Entry::new(put.value, put.expires, Stamp::of_version(self.puts));
        self.entries.insert(put.key, entry);
    }
}
