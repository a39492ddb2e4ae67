//! What the standby has accepted and the primary has not: in its order to be
//! written back, and by key to be read meanwhile.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use storage_core::{Entry, Key, KeyRange, Mutation, OwnedKey, Put, Space, Timestamp};

/// A commit that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Its place in the order in which commits were accepted, from 1.
    pub(crate) number: u64,
    /// Puts and deletes of user keys, at least one.
    pub(crate) mutations: Vec<Mutation>,
}

/// The commits that are pending.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// How many there are: whoever reads need not take the lock to learn that there
    /// are none.
    count: AtomicUsize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    commits: VecDeque<Accepted>,
    /// The last change of each key, and the number of its commit.
    last: BTreeMap<OwnedKey, (u64, Option<Put>)>,
    bytes: usize,
}

/// The oldest pending commits, as one batch.
#[derive(Debug)]
pub(crate) struct Group {
    /// The number of the last.
    pub(crate) last: u64,
    pub(crate) mutations: Vec<Mutation>,
}

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// The bytes of the keys and values.
    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Adds a commit, whose number is greater than all before.
    pub(crate) fn push(&self, accepted: Accepted) {
        let mut queue = self.lock();
        queue.bytes += size_bytes(&accepted.mutations);
        for mutation in &accepted.mutations {
            let (key, put) = match mutation {
                Mutation::Put(put) => (&put.key, Some(put.clone())),
                Mutation::Delete(key) => (key, None),
                Mutation::PutSequenced(_) | Mutation::DeleteRange(_) => continue,
            };
            queue.last.insert(key.clone(), (accepted.number, put));
        }
        queue.commits.push_back(accepted);
        self.count.store(queue.commits.len(), Ordering::Release);
    }

    /// The oldest commits, at least one, as far as they keep within the limits.
    pub(crate) fn oldest(&self, operations_max: usize, bytes_max: usize) -> Option<Group> {
        let queue = self.lock();
        let first = queue.commits.front()?;
        let mut group = Group {
            last: first.number,
            mutations: first.mutations.clone(),
        };
        let mut bytes = size_bytes(&first.mutations);
        for accepted in queue.commits.iter().skip(1) {
            bytes = bytes.saturating_add(size_bytes(&accepted.mutations));
            let operations = group.mutations.len() + accepted.mutations.len();
            if operations > operations_max || bytes > bytes_max {
                break;
            }
            group.last = accepted.number;
            group.mutations.extend_from_slice(&accepted.mutations);
        }
        Some(group)
    }

    /// Removes the commits up to this number, and says how many there were.
    pub(crate) fn remove_through(&self, number: u64) -> usize {
        let mut queue = self.lock();
        let before = queue.commits.len();
        while queue
            .commits
            .front()
            .is_some_and(|first| first.number <= number)
        {
            if let Some(accepted) = queue.commits.pop_front() {
                queue.bytes -= size_bytes(&accepted.mutations);
            }
        }
        queue.last.retain(|_, (last, _)| *last > number);
        self.count.store(queue.commits.len(), Ordering::Release);
        before - queue.commits.len()
    }

    /// What a pending commit has made of a key, if any has changed it.
    #[expect(
        clippy::option_option,
        reason = "whether it was changed, and whether something is there"
    )]
    pub(crate) fn find(&self, key: Key<'_>, now: Timestamp) -> Option<Option<Entry>> {
        if self.is_empty() {
            return None;
        }
        let queue = self.lock();
        let (_, put) = queue.last.get(&key.to_owned())?;
        let entry = put
            .as_ref()
            .map(|put| Entry::of_content(put.value.clone(), put.expires));
        Some(entry.filter(|entry| entry.is_live_at(now)))
    }

    /// Whether a pending commit changes a key of the range.
    pub(crate) fn changes(&self, range: &KeyRange) -> bool {
        if self.is_empty() || range.space() != Space::User || range.is_empty() {
            return false;
        }
        let owned = |bound: Bound<&[u8]>| bound.map(OwnedKey::from);
        let bounds = (owned(range.start()), owned(range.end()));
        self.lock().last.range(bounds).next().is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size_bytes(mutations: &[Mutation]) -> usize {
    mutations.iter().map(Mutation::size_bytes).sum()
}

#[cfg(test)]
mod tests {
    use storage_core::WriteBatch;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_milliseconds(1_000);

    fn accepted(number: u64, batch: WriteBatch) -> Accepted {
        let (_, mutations) = batch.into_parts();
        Accepted { number, mutations }
    }

    #[expect(clippy::option_option, reason = "as what it asks")]
    fn found(pending: &Pending, key: &str) -> Option<Option<String>> {
        let entry = pending.find(key.into(), NOW)?;
        Some(entry.map(|entry| String::from_utf8_lossy(entry.value()).into_owned()))
    }

    #[test]
    fn the_last_change_of_a_key_is_read_until_it_is_written_back() {
        let pending = Pending::default();
        pending.push(accepted(1, WriteBatch::new().put("a", "1").delete("b")));
        pending.push(accepted(2, WriteBatch::new().put("a", "2")));
        pending.push(accepted(3, WriteBatch::new().put_until("c", "3", NOW)));
        assert_eq!(found(&pending, "a"), Some(Some("2".into())));
        assert_eq!(found(&pending, "b"), Some(None));
        assert_eq!(found(&pending, "c"), Some(None), "it has expired");
        assert_eq!(pending.remove_through(1), 1);
        assert_eq!(found(&pending, "a"), Some(Some("2".into())));
        assert_eq!(found(&pending, "b"), None);
        assert_eq!(pending.remove_through(3), 2);
        assert_eq!((pending.len(), pending.bytes()), (0, 0));
    }

    #[test]
    fn a_group_is_the_oldest_commits_within_its_limits() {
        let pending = Pending::default();
        for number in 1..=4 {
            let batch = WriteBatch::new().put("k", "value").delete("d");
            pending.push(accepted(number, batch));
        }
        let last = |operations, bytes| pending.oldest(operations, bytes).unwrap().last;
        assert_eq!(last(100, 100), 4);
        assert_eq!(last(5, 100), 2);
        assert_eq!(last(100, 20), 2);
        assert_eq!(last(1, 1), 1, "one at least");
    }

    #[test]
    fn a_range_is_changed_by_the_keys_in_it_alone() {
        let pending = Pending::default();
        pending.push(accepted(1, WriteBatch::new().put("b", "1")));
        assert!(pending.changes(&KeyRange::all()));
        assert!(pending.changes(&KeyRange::prefix("b")));
        assert!(!pending.changes(&KeyRange::prefix("a")));
        assert!(!pending.changes(&KeyRange::all().in_space(Space::System)));
        assert!(!pending.changes(&KeyRange::between("c".."a")));
    }
}
