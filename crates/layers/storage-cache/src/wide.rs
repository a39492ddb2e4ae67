//! Commits that change keys which cannot be listed beforehand.
//!
//! A range delete changes every key of its range, a sequenced put one whose name
//! the store decides. While such a commit is under way, and for as long as its
//! outcome is unknown, reads of all keys that it may change go around the cache.

use std::sync::{
    PoisonError, RwLock,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use storage_core::{Key, KeyRange, OwnedKey, Sequence, SequencedPut, Timestamp};

use crate::key::Lookup;

/// So many may be of unknown outcome before they are taken together as one that
/// may change anything.
const UNKNOWN_MAX: usize = 64;

/// The keys that one mutation may change.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    Range(KeyRange),
    Sequenced { prefix: OwnedKey, suffix: Bytes },
    Everything,
}

impl Scope {
    pub(crate) fn of_put(put: &SequencedPut) -> Self {
        Self::Sequenced {
            prefix: put.prefix.clone(),
            suffix: put.suffix.clone(),
        }
    }

    pub(crate) fn covers(&self, key: Key<'_>) -> bool {
        match self {
            Self::Range(range) => range.contains(key),
            Self::Sequenced { prefix, suffix } => {
                let bytes = key.bytes();
                let rest = bytes
                    .strip_prefix(prefix.bytes().as_ref())
                    .and_then(|rest| rest.strip_suffix(suffix.as_ref()));
                key.space() == prefix.space()
                    && rest.is_some_and(|rest| rest.len() == size_of::<Sequence>())
            }
            Self::Everything => true,
        }
    }
}

/// The scopes of commits that may be changing keys now.
#[derive(Debug, Default)]
pub(crate) struct Wide {
    /// How many there are; hits look at nothing else while there is none.
    count: AtomicUsize,
    marks: RwLock<Marks>,
}

#[derive(Debug, Default)]
struct Marks {
    last_id: u64,
    marks: Vec<Mark>,
}

#[derive(Debug)]
struct Mark {
    id: u64,
    scope: Scope,
    /// When to stop waiting for an outcome that nobody knows; `None` while the
    /// commit is under way.
    until: Option<Timestamp>,
}

impl Wide {
    /// Whether a commit may be changing `key`. `now` is asked only where it matters.
    #[inline]
    pub(crate) fn covers(&self, key: Lookup<'_>, now: impl Fn() -> Timestamp) -> bool {
        self.count.load(Ordering::SeqCst) != 0 && self.any_covers(key, now)
    }

    #[cold]
    fn any_covers(&self, key: Lookup<'_>, now: impl Fn() -> Timestamp) -> bool {
        let key = key.as_key();
        let marks = self.marks.read().unwrap_or_else(PoisonError::into_inner);
        marks
            .marks
            .iter()
            .any(|mark| mark.scope.covers(key) && mark.until.is_none_or(|until| now() < until))
    }

    /// Marks a scope, until it is [released](Self::release).
    pub(crate) fn mark(&self, scope: Scope) -> u64 {
        self.change(|marks| {
            marks.last_id += 1;
            marks.marks.push(Mark {
                id: marks.last_id,
                scope,
                until: None,
            });
            marks.last_id
        })
    }

    /// The commit has ended, and what it changed is forgotten.
    pub(crate) fn release(&self, id: u64) {
        self.change(|marks| marks.marks.retain(|mark| mark.id != id));
    }

    /// Nobody knows what became of the commit: it is waited for until then.
    pub(crate) fn keep_until(&self, id: u64, until: Timestamp, now: Timestamp) {
        self.change(|marks| {
            if let Some(mark) = marks.marks.iter_mut().find(|mark| mark.id == id) {
                mark.until = Some(until);
            }
            marks.merge(now);
        });
    }

    /// Reads of any key go around the cache until then.
    pub(crate) fn keep_everything_until(&self, until: Timestamp, now: Timestamp) {
        let id = self.mark(Scope::Everything);
        self.keep_until(id, until, now);
    }

    fn change<T>(&self, change: impl FnOnce(&mut Marks) -> T) -> T {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut marks);
        self.count.store(marks.marks.len(), Ordering::SeqCst);
        result
    }
}

impl Marks {
    /// Drops what is no longer waited for, and keeps the rest short.
    fn merge(&mut self, now: Timestamp) {
        self.marks
            .retain(|mark| mark.until.is_none_or(|until| now < until));
        let unknown = || self.marks.iter().filter_map(|mark| mark.until);
        if unknown().count() <= UNKNOWN_MAX {
            return;
        }
        let until = unknown().max();
        self.marks.retain(|mark| mark.until.is_none());
        self.last_id += 1;
        self.marks.push(Mark {
            id: self.last_id,
            scope: Scope::Everything,
            until,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_unix_milliseconds(milliseconds)
    }

    fn covers(wide: &Wide, key: &str, milliseconds: u64) -> bool {
        wide.covers(Lookup::of(key.into()), || at(milliseconds))
    }

    #[test]
    fn a_sequenced_put_covers_the_keys_that_it_may_become_and_no_other() {
        let scope = Scope::of_put(&SequencedPut::new("a/", "/z", "v"));
        assert!(scope.covers("a/12345678/z".into()));
        for other in [
            "a/1234567/z",
            "a/123456789/z",
            "b/12345678/z",
            "a/12345678",
            "a/z",
        ] {
            assert!(!scope.covers(other.into()), "{other}");
        }
        assert!(!scope.covers(Key::in_space(storage_core::Space::System, b"a/12345678/z")));
    }

    #[test]
    fn a_mark_holds_until_it_is_released_or_its_time_has_passed() {
        let wide = Wide::default();
        let [one, other] =
            ["a".."b", "c".."d"].map(|range| wide.mark(Scope::Range(KeyRange::between(range))));
        assert!(covers(&wide, "a1", 0) && covers(&wide, "c1", 0) && !covers(&wide, "b1", 0));
        wide.release(one);
        assert!(!covers(&wide, "a1", 0));
        wide.keep_until(other, at(10), at(0));
        assert!(covers(&wide, "c1", 9) && !covers(&wide, "c1", 10));
    }

    #[test]
    fn many_unknown_scopes_become_one_that_covers_everything_until_the_last_has_passed() {
        let wide = Wide::default();
        for number in 0..=u64::try_from(UNKNOWN_MAX).unwrap() {
            let id = wide.mark(Scope::Range(KeyRange::between("a".."b")));
            wide.keep_until(id, at(100 + number), at(0));
        }
        assert_eq!(wide.count.load(Ordering::SeqCst), 1);
        assert!(covers(&wide, "z", 163) && !covers(&wide, "z", 164));
    }
}
