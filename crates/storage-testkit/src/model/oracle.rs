//! The oracle: what an ordered map says the store should hold.

use std::collections::BTreeMap;

use bytes::Bytes;
use storage_core::{KeyRange, Mutation, OwnedKey, Sequence, Timestamp};

/// What a store, or a snapshot, should hold. Rows that have expired stay until
/// something removes them; no answer shows them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    rows: BTreeMap<OwnedKey, Row>,
    /// Counts changes; each row has the number of the one that wrote it.
    changes: u64,
}

/// What a key should map to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) value: Bytes,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) version: u64,
}

impl Oracle {
    /// The row of `key` that a read at `now` should find.
    pub(crate) fn live(&self, key: &OwnedKey, now: Timestamp) -> Option<&Row> {
        self.rows.get(key).filter(|row| row.is_live_at(now))
    }

    /// The rows of `range` that a scan at `now` should find, in key order.
    pub(crate) fn live_in(&self, range: &KeyRange, now: Timestamp) -> Vec<(OwnedKey, Row)> {
        self.rows
            .iter()
            .filter(|(key, row)| range.contains(key.as_key()) && row.is_live_at(now))
            .map(|(key, row)| (key.clone(), row.clone()))
            .collect()
    }

    /// Whether `range` has rows that have expired: a page may be empty then.
    pub(crate) fn has_expired_in(&self, range: &KeyRange, now: Timestamp) -> bool {
        let mut rows = self.rows.iter();
        rows.any(|(key, row)| range.contains(key.as_key()) && !row.is_live_at(now))
    }

    /// Whether both hold the same entries, whenever those were written.
    pub(crate) fn holds_the_same_as(&self, other: &Self) -> bool {
        let content = |(key, row): (&OwnedKey, &Row)| (key.clone(), row.value.clone(), row.expires);
        let (rows, others) = (self.rows.iter(), other.rows.iter());
        rows.map(content).eq(others.map(content))
    }

    /// Applies one mutation of the commit with this sequence.
    pub(crate) fn apply(&mut self, mutation: Mutation, sequence: Option<Sequence>) {
        self.changes += 1;
        match mutation {
            Mutation::Put(put) => {
                let row = Row {
                    value: put.value,
                    expires: put.expires,
                    version: self.changes,
                };
                self.rows.insert(put.key, row);
            }
            Mutation::PutSequenced(put) => {
                let put = put.at(sequence.unwrap_or(Sequence::ZERO));
                self.apply(put.into(), sequence);
            }
            Mutation::Delete(key) => {
                self.rows.remove(&key);
            }
            Mutation::DeleteRange(range) => {
                self.rows.retain(|key, _| !range.contains(key.as_key()));
            }
        }
    }
}

impl Row {
    fn is_live_at(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}
