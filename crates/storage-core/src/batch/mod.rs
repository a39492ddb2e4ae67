//! Write batches: the only way to change a store.
//!
//! A batch holds guards, which see the state before it, and mutations, which
//! take effect in order, the last one winning. A store applies all of it or
//! nothing. Layers rewrite a batch on its way down, so what they keep beside
//! the data commits with the data.

mod guard;
mod mutation;

use bytes::Bytes;

pub use self::{
    guard::Guard,
    mutation::{Mutation, Put, SequencedPut},
};
use crate::{Key, KeyRange, OwnedKey, Stamp, Timestamp};

/// An atomic change: guards and mutations that succeed or fail together.
///
/// ```
/// use storage_core::WriteBatch;
///
/// let batch = WriteBatch::new()
///     .absent("user/7")
///     .put("user/7", "Ada")
///     .delete("waiting/7");
/// assert_eq!(batch.mutations().len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a batch changes nothing until it is committed"]
pub struct WriteBatch {
    guards: Vec<Guard>,
    mutations: Vec<Mutation>,
}

impl WriteBatch {
    /// An empty batch.
    pub const fn new() -> Self {
        Self {
            guards: Vec::new(),
            mutations: Vec::new(),
        }
    }

    /// A batch of the given guards and mutations, for layers that rewrite one.
    pub const fn from_parts(guards: Vec<Guard>, mutations: Vec<Mutation>) -> Self {
        Self { guards, mutations }
    }

    /// The guards and mutations, given away.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Guard>, Vec<Mutation>) {
        (self.guards, self.mutations)
    }

    /// Sets `key` to `value`, for good.
    pub fn put(self, key: impl Into<OwnedKey>, value: impl Into<Bytes>) -> Self {
        self.mutation(Put::new(key, value))
    }

    /// Sets `key` to `value` until `expires`.
    pub fn put_until(
        self,
        key: impl Into<OwnedKey>,
        value: impl Into<Bytes>,
        expires: Timestamp,
    ) -> Self {
        self.mutation(Put::new(key, value).until(expires))
    }

    /// Writes `value` under the key `prefix`, then the eight big-endian bytes
    /// of this commit's sequence, then `suffix`. The store fills the sequence
    /// in as the batch takes effect, so such keys sort in commit order.
    ///
    /// Each sequenced put of one batch needs its own prefix or suffix.
    pub fn put_sequenced(
        self,
        prefix: impl Into<OwnedKey>,
        suffix: impl Into<Bytes>,
        value: impl Into<Bytes>,
    ) -> Self {
        self.mutation(SequencedPut::new(prefix, suffix, value))
    }

    /// Removes `key`; nothing happens where it is absent.
    pub fn delete(self, key: impl Into<OwnedKey>) -> Self {
        self.mutation(Mutation::Delete(key.into()))
    }

    /// Removes every key of `range`.
    pub fn delete_range(self, range: KeyRange) -> Self {
        self.mutation(Mutation::DeleteRange(range))
    }

    /// Lets the batch apply only if `key` is absent.
    pub fn absent(self, key: impl Into<OwnedKey>) -> Self {
        self.guard(Guard::Absent(key.into()))
    }

    /// Lets the batch apply only if `key` is present.
    pub fn present(self, key: impl Into<OwnedKey>) -> Self {
        self.guard(Guard::Present(key.into()))
    }

    /// Lets the batch apply only if the stored form of `key` still has the
    /// stamp that a read returned.
    pub fn unchanged(self, key: impl Into<OwnedKey>, stamp: Stamp) -> Self {
        self.guard(Guard::Unchanged(key.into(), stamp))
    }

    /// Adds a guard.
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guards.push(guard);
        self
    }

    /// Adds a mutation.
    pub fn mutation(mut self, mutation: impl Into<Mutation>) -> Self {
        self.mutations.push(mutation.into());
        self
    }

    /// The guards, in the order they were added.
    #[must_use]
    pub fn guards(&self) -> &[Guard] {
        &self.guards
    }

    /// The mutations, in the order they take effect.
    #[must_use]
    pub fn mutations(&self) -> &[Mutation] {
        &self.mutations
    }

    /// The key by which errors and logs name the batch: the first that it
    /// changes, else the first that it guards. Of a sequenced put, what its key
    /// begins with.
    #[must_use]
    pub fn first_key(&self) -> Option<Key<'_>> {
        let changed = self.mutations.iter().find_map(|mutation| match mutation {
            Mutation::Put(put) => Some(&put.key),
            Mutation::PutSequenced(put) => Some(&put.prefix),
            Mutation::Delete(key) => Some(key),
            Mutation::DeleteRange(_) => None,
        });
        changed
            .or_else(|| self.guards.first().map(Guard::key))
            .map(OwnedKey::as_key)
    }

    /// Whether the batch neither checks nor changes anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.guards.is_empty() && self.mutations.is_empty()
    }

    /// The bytes of the keys and values that the mutations carry. Guards and
    /// the bounds of ranges do not count.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.mutations.iter().map(Mutation::size_bytes).sum()
    }
}

impl Extend<Mutation> for WriteBatch {
    fn extend<I: IntoIterator<Item = Mutation>>(&mut self, mutations: I) {
        self.mutations.extend(mutations);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_named_by_what_it_changes_else_by_what_it_guards() {
        let guards = WriteBatch::new().present("guarded");
        assert_eq!(guards.first_key(), Some("guarded".into()));
        let range = guards.delete_range(KeyRange::all());
        assert_eq!(range.first_key(), Some("guarded".into()));
        let changed = range.delete("changed").put("next", "v");
        assert_eq!(changed.first_key(), Some("changed".into()));
        assert_eq!(WriteBatch::new().first_key(), None);
    }
}
