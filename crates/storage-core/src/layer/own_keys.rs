//! Which keys of the system space are a layer's own.

use std::ops::Bound;

use super::is_core_key;
use crate::{Key, KeyRange, Space, SystemKeys};
use bytes::Bytes;

/// The keys that a layer keeps for itself: a run in the system space.
#[derive(Clone, Debug)]
pub struct OwnKeys {
    first: Bytes,
    /// The first key behind them.
    end: Bytes,
}

impl OwnKeys {
    /// The keys of the layer called `layer`.
    #[must_use]
    pub fn of(layer: &str) -> Self {
        let (_, start, end) = SystemKeys::of(layer).range().into_bounds();
        let key = |bound| match bound {
            Bound::Included(key) | Bound::Excluded(key) => key,
            Bound::Unbounded => Bytes::new(),
        };
        Self {
            first: key(start),
            end: key(end),
        }
    }

    /// Whether `key` is one of them.
    #[must_use]
    pub fn contain(&self, key: Key<'_>) -> bool {
        key.space() == Space::System && key.bytes().starts_with(&self.first)
    }

    /// Whether the values of such keys are stored as they are, whatever a layer makes of
    /// others: those of core, which must be readable from everywhere, and the layer's own.
    #[must_use]
    pub fn are_bare(&self, key: Key<'_>) -> bool {
        self.contain(key) || is_core_key(key)
    }

    /// What is left of a range without them, in byte order.
    #[must_use]
    pub fn spare(&self, range: KeyRange) -> Spared {
        if !self.overlap(&range) {
            return Spared::Whole(range);
        }
        let before = range.before(self.first.clone());
        let (space, _, end) = range.into_bounds();
        let behind = KeyRange::from_bounds(space, Bound::Included(self.end.clone()), end);
        let parts = [before, behind].into_iter().filter(|part| !part.is_empty());
        Spared::Parts(parts.collect())
    }

    fn overlap(&self, range: &KeyRange) -> bool {
        if range.space() != Space::System {
            return false;
        }
        let begins_before_their_end = match range.start() {
            Bound::Unbounded => true,
            Bound::Included(key) | Bound::Excluded(key) => *key < *self.end,
        };
        let ends_behind_their_first = match range.end() {
            Bound::Unbounded => true,
            Bound::Included(key) => *key >= *self.first,
            Bound::Excluded(key) => *key > *self.first,
        };
        begins_before_their_end && ends_behind_their_first
    }
}

/// What is left of a range without the keys of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spared {
    /// All of it.
    Whole(KeyRange),
    /// Up to two parts.
    Parts(Vec<KeyRange>),
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "compress";

    fn system(suffix: &str) -> Bytes {
        SystemKeys::of(NAME).key(suffix).into_bytes()
    }

    #[test]
    fn keys_of_core_and_of_the_layer_are_bare() {
        let own = OwnKeys::of(NAME);
        let is_bare = |key: &Bytes| own.are_bare(Key::in_space(Space::System, key));
        assert!(is_bare(&system("")) && is_bare(&system("dictionary")));
        assert!(is_bare(SystemKeys::of("core").key("header").bytes()));
        assert!(!is_bare(SystemKeys::of("dedup").key("r").bytes()));
        assert!(!own.are_bare(Key::user(&system(""))));
    }

    #[test]
    fn a_range_spares_exactly_the_own_keys() {
        let own = OwnKeys::of(NAME);
        let all = KeyRange::all().in_space(Space::System);
        let Spared::Parts(parts) = own.spare(all) else {
            panic!("the own keys are not spared");
        };
        let kept = |key: &Bytes| {
            !parts
                .iter()
                .any(|part| part.contains(Key::in_space(Space::System, key)))
        };
        assert!(kept(&system("")) && kept(&system("z")));
        assert!(!kept(SystemKeys::of("compresr").key("").bytes()));
        assert!(!kept(SystemKeys::of("compresx").key("").bytes()));
        assert!(!kept(&Bytes::new()));

        for range in [
            KeyRange::all(),
            KeyRange::between(..system("")).in_space(Space::System),
            SystemKeys::of("dedup").range(),
        ] {
            assert_eq!(own.spare(range.clone()), Spared::Whole(range));
        }
        assert_eq!(
            own.spare(SystemKeys::of(NAME).range()),
            Spared::Parts(vec![])
        );
    }
}
