//! What was last known of keys: what reads found, and commits put there.
//!
//! Each fact says since when it may be out of date: whoever serves it can tell how
//! stale the answer is at most.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use quick_cache::{Weighter, unsync::Cache};
use storage_core::{Entry, Key, Mutation, OwnedKey, Space, Timestamp, WriteBatch};

use crate::config::Staleness;

const SHARDS: usize = 16;

/// What a fact takes beside its key and value.
const OVERHEAD_BYTES: usize = 160;

/// Facts about user keys, within so many bytes.
#[derive(Debug)]
pub(crate) struct Known {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    /// Whether the primary gives expiries to puts that have none.
    fills_expiries: bool,
}

#[derive(Debug)]
struct Shard {
    facts: Cache<OwnedKey, Fact, Weigh>,
    /// What began to be read or written before is not learnt any more: a range may
    /// have been deleted since.
    floor: Option<Instant>,
}

/// What was known of a key.
#[derive(Clone, Debug)]
struct Fact {
    entry: Option<Entry>,
    /// An instant at which, or after which, this was the case; `None` if the
    /// primary may have lagged.
    as_of: Option<Instant>,
    /// What began before this is not newer.
    newer_from: Instant,
}

#[derive(Clone, Debug)]
struct Weigh;

impl Weighter<OwnedKey, Fact> for Weigh {
    fn weight(&self, key: &OwnedKey, fact: &Fact) -> u64 {
        let value = fact.entry.as_ref().map_or(0, Entry::kept_bytes);
        let bytes = key.bytes().len().saturating_add(value);
        u64::try_from(bytes.saturating_add(OVERHEAD_BYTES)).unwrap_or(u64::MAX)
    }
}

impl Known {
    pub(crate) fn new(bytes_max: usize, fills_expiries: bool) -> Self {
        let bytes = u64::try_from(bytes_max / SHARDS).unwrap_or(u64::MAX);
        let items = bytes_max / SHARDS / (2 * OVERHEAD_BYTES);
        let shard = || {
            Mutex::new(Shard {
                facts: Cache::with_weighter(items, bytes, Weigh),
                floor: None,
            })
        };
        Self {
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            hasher: RandomState::new(),
            fills_expiries,
        }
    }

    /// A read that began at `began` found `entry`. It was not out of date by more
    /// than `lag`, if that is known.
    pub(crate) fn read(
        &self,
        key: Key<'_>,
        entry: Option<&Entry>,
        began: Instant,
        lag: Option<Duration>,
    ) {
        if key.space() != Space::User {
            return;
        }
        let mut shard = self.shard(key);
        if shard.floor.is_some_and(|floor| began < floor) {
            return;
        }
        let key = key.to_owned();
        if let Some(fact) = shard.facts.peek(&key)
            && began < fact.newer_from
        {
            return;
        }
        let fact = Fact {
            entry: entry.map(Entry::detached),
            as_of: lag.and_then(|lag| began.checked_sub(lag)),
            newer_from: began,
        };
        shard.facts.insert(key, fact);
    }

    /// The primary has applied a batch whose commit began at `began`.
    pub(crate) fn committed(&self, batch: &[Mutation], began: Instant) {
        let ended = Instant::now();
        for mutation in batch {
            match mutation {
                // Only a read tells when it expires.
                Mutation::Put(put) if put.expires.is_none() && self.fills_expiries => {
                    self.shard(put.key.as_key()).facts.remove(&put.key);
                }
                Mutation::Put(put) => {
                    let entry = Entry::of_content(put.value.clone(), put.expires);
                    self.write(put.key.as_key(), Some(&entry), began, ended);
                }
                Mutation::Delete(key) => self.write(key.as_key(), None, began, ended),
                Mutation::DeleteRange(range) if range.space() == Space::User => {
                    self.forget_all(ended);
                }
                // Nobody knows its key yet; it is a new one.
                Mutation::PutSequenced(_) | Mutation::DeleteRange(_) => {}
            }
        }
    }

    /// Of two writes that were under way at once nobody knows which came last.
    fn write(&self, key: Key<'_>, entry: Option<&Entry>, began: Instant, ended: Instant) {
        if key.space() != Space::User {
            return;
        }
        let mut shard = self.shard(key);
        let key = key.to_owned();
        let overlaps = shard
            .facts
            .peek(&key)
            .is_some_and(|fact| began < fact.newer_from && fact.newer_from != ended);
        if overlaps
            || shard
                .floor
                .is_some_and(|floor| began < floor && floor != ended)
        {
            shard.facts.remove(&key);
            return;
        }
        let fact = Fact {
            entry: entry.map(Entry::detached),
            as_of: Some(began),
            newer_from: ended,
        };
        shard.facts.insert(key, fact);
    }

    /// Forgets the keys that a batch changes.
    pub(crate) fn forget(&self, batch: &WriteBatch) {
        for mutation in batch.mutations() {
            let key = match mutation {
                Mutation::Put(put) => &put.key,
                Mutation::Delete(key) => key,
                Mutation::PutSequenced(_) | Mutation::DeleteRange(_) => continue,
            };
            self.shard(key.as_key()).facts.remove(key);
        }
    }

    /// What is known of a key and is young enough; entries that have expired by
    /// `now` are absent.
    #[expect(
        clippy::option_option,
        reason = "whether something is known, and whether something is there"
    )]
    pub(crate) fn recall(
        &self,
        key: &OwnedKey,
        staleness: Staleness,
        now: Timestamp,
    ) -> Option<Option<Entry>> {
        let shard = self.shard(key.as_key());
        let fact = shard.facts.get(key)?;
        if let Staleness::AtMost(age) = staleness
            && fact.as_of?.elapsed() > age
        {
            return None;
        }
        let entry = fact.entry.as_ref();
        Some(entry.filter(|entry| entry.is_live_at(now)).cloned())
    }

    fn forget_all(&self, floor: Instant) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.facts.clear();
            shard.floor = Some(floor);
        }
    }

    fn shard(&self, key: Key<'_>) -> MutexGuard<'_, Shard> {
        let hash = self.hasher.hash_one(key.bytes());
        let index = usize::try_from(hash % 16).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "there are sixteen")]
        lock(&self.shards[index])
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use storage_core::KeyRange;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);
    const NOW: Timestamp = Timestamp::from_unix_milliseconds(1_000);

    fn entry(value: &'static str) -> Entry {
        Entry::of_content(value.into(), None)
    }

    #[expect(clippy::option_option, reason = "as what it asks")]
    fn recall(known: &Known, staleness: Staleness) -> Option<Option<String>> {
        let entry = known.recall(&"k".into(), staleness, NOW)?;
        Some(entry.map(|entry| String::from_utf8_lossy(entry.value()).into_owned()))
    }

    fn put(known: &Known, value: &'static str, began: Instant) {
        let batch = WriteBatch::new().put("k", value);
        known.committed(batch.mutations(), began);
    }

    #[test]
    fn a_read_that_began_before_a_write_ended_does_not_replace_it() {
        let known = Known::new(1 << 20, false);
        let began = Instant::now();
        put(&known, "new", began);
        known.read("k".into(), Some(&entry("old")), began, Some(Duration::ZERO));
        assert_eq!(recall(&known, Staleness::Any), Some(Some("new".into())));
    }

    #[test]
    fn of_two_writes_at_once_neither_is_known() {
        let known = Known::new(1 << 20, false);
        let (first, second) = (Instant::now(), Instant::now());
        put(&known, "1", first);
        put(&known, "2", second);
        assert_eq!(recall(&known, Staleness::Any), None);
    }

    #[test]
    fn what_is_too_old_or_of_unknown_age_is_not_recalled() {
        let known = Known::new(1 << 20, false);
        let now = Instant::now();
        known.read("k".into(), None, now, Some(MINUTE * 2));
        assert_eq!(recall(&known, Staleness::AtMost(MINUTE)), None);
        assert_eq!(recall(&known, Staleness::AtMost(MINUTE * 3)), Some(None));
        known.read("k".into(), None, Instant::now(), None);
        assert_eq!(recall(&known, Staleness::AtMost(MINUTE * 3)), None);
        assert_eq!(recall(&known, Staleness::Any), Some(None));
    }

    #[test]
    fn a_range_delete_leaves_nothing_known_and_nothing_from_before_it() {
        let known = Known::new(1 << 20, false);
        let began = Instant::now();
        known.read("k".into(), Some(&entry("v")), began, None);
        let batch = WriteBatch::new()
            .delete_range(KeyRange::all())
            .put("k", "after");
        known.committed(batch.mutations(), Instant::now());
        assert_eq!(recall(&known, Staleness::Any), Some(Some("after".into())));
        known.read("other".into(), Some(&entry("v")), began, None);
        assert_eq!(known.recall(&"other".into(), Staleness::Any, NOW), None);
    }

    #[test]
    fn what_is_remembered_stays_within_its_bytes_and_expires() {
        let known = Known::new(64 << 10, false);
        for number in 0..1_000_u32 {
            let key = number.to_be_bytes();
            let entry = Entry::of_content(vec![0; 1_000].into(), Some(NOW));
            known.read(Key::user(&key), Some(&entry), Instant::now(), None);
        }
        let weight: u64 = known
            .shards
            .iter()
            .map(|shard| lock(shard).facts.weight())
            .sum();
        assert!((1..=64 << 10).contains(&weight), "{weight}");
        let mut facts = known.shards.iter().map(|shard| lock(shard).facts.len());
        assert!(facts.any(|facts| facts > 0));
        let expired = Entry::of_content("v".into(), Some(NOW));
        known.read("k".into(), Some(&expired), Instant::now(), None);
        assert_eq!(recall(&known, Staleness::Any), Some(None));
    }
}
