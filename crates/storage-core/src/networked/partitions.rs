//! Partitions: parts of an engine that stand and fall by themselves.

use std::num::NonZeroUsize;

use crate::{Error, ErrorKind, Guard, Key, Mutation, OwnedKey, WriteBatch};

/// How the keys of an engine are spread over partitions, each of which may be
/// out of reach while the others are well.
///
/// Calls are made of requests to one partition, and have lanes of their own
/// there: what waits for one that does not answer holds up no other.
#[derive(Clone, Copy, Debug)]
pub struct Partitions {
    count: NonZeroUsize,
    of: fn(Key<'_>, NonZeroUsize) -> usize,
}

impl Partitions {
    /// All keys are in one.
    #[must_use]
    pub const fn one() -> Self {
        Self {
            count: NonZeroUsize::MIN,
            of: |_, _| 0,
        }
    }

    /// There are so many, and `of` says in which a key is, counted from 0.
    #[must_use]
    pub const fn new(count: NonZeroUsize, of: fn(Key<'_>, NonZeroUsize) -> usize) -> Self {
        Self { count, of }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> NonZeroUsize {
        self.count
    }

    /// In which one a key is, counted from 0.
    #[must_use]
    pub fn of(&self, key: Key<'_>) -> usize {
        (self.of)(key, self.count) % self.count
    }

    /// In which one the first key of a batch is; the first partition if it has
    /// none.
    pub(super) fn of_batch(&self, batch: &WriteBatch) -> usize {
        let changed = || match batch.mutations().first()? {
            Mutation::Put(put) => Some(&put.key),
            Mutation::Delete(key) => Some(key),
            Mutation::PutSequenced(put) => Some(&put.prefix),
            // Only an engine of one partition can delete ranges.
            Mutation::DeleteRange(_) => None,
        };
        let first = batch.guards().first().map(Guard::key).or_else(changed);
        first.map_or(0, |key| self.of(key.as_key()))
    }

    /// The only partition that all these keys are in, if it is one.
    pub(super) fn common(&self, keys: &[OwnedKey]) -> Option<usize> {
        let mut partitions = keys.iter().map(|key| self.of(key.as_key()));
        let first = partitions.next().unwrap_or_default();
        partitions.all(|other| other == first).then_some(first)
    }

    /// The places among `keys` of those that are in each partition.
    pub(super) fn places(&self, keys: &[OwnedKey]) -> Vec<Vec<usize>> {
        let mut places = vec![Vec::new(); self.count.get()];
        for (place, key) in keys.iter().enumerate() {
            if let Some(places) = places.get_mut(self.of(key.as_key())) {
                places.push(place);
            }
        }
        places
    }
}

/// A partition that the adapter has no lanes for.
pub(super) fn nowhere() -> Error {
    Error::new(
        ErrorKind::Internal,
        "a key is in a partition that there is not",
    )
}
