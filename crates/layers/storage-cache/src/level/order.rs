//! In which order the plain policies give entries up.

use std::collections::BTreeMap;

use storage_core::SeededRandom;

use crate::{Policy, key::CacheKey};

/// The order of the keys of a shard. A key's [`Place`] is kept beside its entry.
pub(super) enum Order {
    /// The key with the smallest place goes first.
    Ranked {
        by: Ranking,
        ranks: BTreeMap<Place, CacheKey>,
        /// Grows with each admission and each use, so places differ.
        tick: u64,
    },
    /// Any key goes first. Its place is its index.
    Random {
        keys: Vec<CacheKey>,
        random: SeededRandom,
    },
}

/// What makes a key go late.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ranking {
    /// That it came late.
    Arrival,
    /// That its last use was late.
    LastUse,
    /// That it was used often; among equals, that its last use was late.
    Uses,
}

/// Where a key stands: how often it was used, as far as that matters, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    uses: u64,
    tick: u64,
}

impl Order {
    /// The order of `policy`; what it leaves to chance is drawn from `seed`.
    pub(super) fn of(policy: Policy, seed: u64) -> Self {
        let by = match policy {
            Policy::Random => {
                return Self::Random {
                    keys: Vec::new(),
                    random: SeededRandom::new(seed),
                };
            }
            Policy::Lfu => Ranking::Uses,
            Policy::Fifo => Ranking::Arrival,
            Policy::Lru | Policy::Adaptive => Ranking::LastUse,
        };
        Self::Ranked {
            by,
            ranks: BTreeMap::new(),
            tick: 0,
        }
    }

    /// Gives a new key its place.
    pub(super) fn admit(&mut self, key: CacheKey) -> Place {
        match self {
            Self::Ranked { ranks, tick, .. } => {
                *tick += 1;
                let place = Place {
                    uses: 0,
                    tick: *tick,
                };
                ranks.insert(place, key);
                place
            }
            Self::Random { keys, .. } => {
                keys.push(key);
                Place::at(keys.len() - 1)
            }
        }
    }

    /// Gives a key that was used the place that it has from now on.
    pub(super) fn used(&mut self, place: Place) -> Place {
        let Self::Ranked { by, ranks, tick } = self else {
            return place;
        };
        let uses = match by {
            Ranking::Arrival => return place,
            Ranking::LastUse => 0,
            Ranking::Uses => place.uses.saturating_add(1),
        };
        *tick += 1;
        let next = Place { uses, tick: *tick };
        if let Some(key) = ranks.remove(&place) {
            ranks.insert(next, key);
        }
        next
    }

    /// Forgets a key. Returns another whose place has become this one, if any.
    pub(super) fn forget(&mut self, place: Place) -> Option<&CacheKey> {
        match self {
            Self::Ranked { ranks, .. } => {
                ranks.remove(&place);
                None
            }
            Self::Random { keys, .. } => {
                let index = place.index();
                if index < keys.len() {
                    keys.swap_remove(index);
                }
                keys.get(index)
            }
        }
    }

    /// The key to give up next.
    pub(super) fn first(&self) -> Option<&CacheKey> {
        match self {
            Self::Ranked { ranks, .. } => ranks.first_key_value().map(|(_, key)| key),
            Self::Random { keys, random } => {
                let count = u64::try_from(keys.len()).unwrap_or(u64::MAX);
                let drawn = random.next_u64().checked_rem(count)?;
                keys.get(usize::try_from(drawn).ok()?)
            }
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::Ranked { ranks, .. } => ranks.clear(),
            Self::Random { keys, .. } => keys.clear(),
        }
    }
}

impl Place {
    fn at(index: usize) -> Self {
        Self {
            uses: 0,
            tick: u64::try_from(index).unwrap_or(u64::MAX),
        }
    }

    fn index(self) -> usize {
        usize::try_from(self.tick).unwrap_or(usize::MAX)
    }
}
