//! Giving out the numbers of versions: at the order point, and ahead of it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{files::Shard, version::VersionId, wire::as_u64};

/// Which versions have been given out. Whoever holds its lock takes only those of
/// the value files.
#[derive(Debug)]
pub(crate) struct Versions(Mutex<Given>);

#[derive(Debug)]
struct Given {
    /// Versions from here on have not been given out.
    next: VersionId,
    /// By flat key, those that were given out ahead of the order point and may
    /// yet be committed. Commits of later versions may be before them in the log.
    ahead: HashMap<Vec<u8>, VersionId>,
}

impl Versions {
    pub(crate) fn new(next: VersionId) -> Self {
        Self(Mutex::new(Given {
            next,
            ahead: HashMap::new(),
        }))
    }

    /// Gives out a version to whoever applies a commit.
    pub(crate) fn give(&self) -> VersionId {
        self.given().give()
    }

    /// Gives out a version to each of these flat keys ahead of the order point,
    /// and gives the first of them; they follow one another. Nothing is given out
    /// if one of the keys has such a version already: commits of one key that
    /// gather are merged, and only the last needs a file. Nor if a directory of
    /// theirs is not `open`.
    pub(crate) fn give_ahead(
        &self,
        keys: &[Vec<u8>],
        is_open: impl Fn(Shard) -> bool,
    ) -> Option<VersionId> {
        let mut given = self.given();
        let first = given.next;
        let last = VersionId(first.0.saturating_add(as_u64(keys.len()) - 1));
        if !is_open(Shard::of(first)) || !is_open(Shard::of(last)) {
            return None;
        }
        for (index, key) in keys.iter().enumerate() {
            if given.ahead.contains_key(key) {
                for key in keys.iter().take(index) {
                    given.ahead.remove(key);
                }
                return None;
            }
            let id = given.give();
            given.ahead.insert(key.clone(), id);
        }
        Some(first)
    }

    /// Takes note that the versions that keys were given ahead have been
    /// committed, or never will be.
    pub(crate) fn end(&self, keys: &[Vec<u8>]) {
        let mut given = self.given();
        for key in keys {
            given.ahead.remove(key);
        }
    }

    /// The first version that has not been given out.
    pub(crate) fn next(&self) -> VersionId {
        self.given().next
    }

    /// No earlier version will be committed any more, but by whoever holds the
    /// writer.
    pub(crate) fn floor(&self) -> VersionId {
        let given = self.given();
        let earliest = given.ahead.values().min();
        earliest.map_or(given.next, |earliest| *earliest)
    }

    /// The first version that has not been given out, and earlier ones that may
    /// yet be committed.
    pub(crate) fn uncommitted(&self) -> (VersionId, HashSet<VersionId>) {
        let given = self.given();
        (given.next, given.ahead.values().copied().collect())
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Given {
    fn give(&mut self) -> VersionId {
        let id = self.next;
        self.next = id.next();
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: fn(Shard) -> bool = |_| true;

    fn keys(keys: &[&str]) -> Vec<Vec<u8>> {
        keys.iter().map(|key| key.as_bytes().to_vec()).collect()
    }

    fn give(versions: &Versions, names: &[&str]) -> Option<u64> {
        let first = versions.give_ahead(&keys(names), OPEN);
        first.map(|first| first.0)
    }

    #[test]
    fn the_floor_is_the_earliest_version_that_may_yet_be_committed() {
        let versions = Versions::new(VersionId(5));
        assert_eq!(versions.floor(), VersionId(5));
        assert_eq!(give(&versions, &["a"]), Some(5));
        assert_eq!(give(&versions, &["b"]), Some(6));
        assert_eq!(versions.give(), VersionId(7));
        assert_eq!(versions.floor(), VersionId(5));
        versions.end(&keys(&["a"]));
        assert_eq!(versions.floor(), VersionId(6));
        let ahead = HashSet::from([VersionId(6)]);
        assert_eq!(versions.uncommitted(), (VersionId(8), ahead));
        versions.end(&keys(&["b"]));
        assert_eq!(versions.floor(), VersionId(8));
    }

    #[test]
    fn a_key_is_given_one_version_ahead_at_a_time() {
        let versions = Versions::new(VersionId(1));
        assert_eq!(give(&versions, &["a"]), Some(1));
        assert_eq!(give(&versions, &["b", "a"]), None);
        assert_eq!(give(&versions, &["c", "c"]), None);
        let ahead = HashSet::from([VersionId(1)]);
        assert_eq!(versions.uncommitted().1, ahead);
        versions.end(&keys(&["a"]));
        assert!(give(&versions, &["b", "a"]).is_some());
    }

    #[test]
    fn nothing_is_given_ahead_in_a_directory_that_is_not_open() {
        let versions = Versions::new(VersionId(998));
        let first = |shard| shard == Shard(0);
        let one = versions.give_ahead(&keys(&["a"]), first);
        assert_eq!(one, Some(VersionId(998)));
        assert_eq!(versions.give_ahead(&keys(&["b", "c"]), first), None);
        assert_eq!(versions.next(), VersionId(999));
    }
}
