//! The door of a level that is full.
//!
//! To keep an entry takes a copy of it and costs another its place. Most of what a full level
//! misses is evicted again before anybody asks for it, so what comes for the first time
//! is turned away, and let in if it comes back soon. This is the doorkeeper of
//! `TinyLFU` (Einziger, Friedman and Manes, ACM Transactions on Storage 13, 2017), with a
//! table in which newer keys replace older ones in place of a Bloom filter.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

/// Not so few that the keys of a small level replace each other.
const PLACES_MIN: usize = 64;
const PLACES_MAX: usize = 1 << 22;

#[derive(Debug)]
pub(super) struct Door {
    /// Of keys that were turned away, a part of the hash each.
    turned_away: Box<[AtomicU16]>,
    /// Whether there is no room: something was evicted, and nothing removed since.
    is_full: AtomicBool,
}

impl Door {
    /// The door of a level with room for about so many entries. It remembers half as many
    /// keys: with as many, a loop that is too large for the level would not be kept out.
    pub(super) fn new(entries: u64) -> Self {
        let places = usize::try_from(entries / 2).unwrap_or(PLACES_MAX);
        let places = places.clamp(PLACES_MIN, PLACES_MAX);
        Self {
            turned_away: (0..places).map(|_| AtomicU16::new(0)).collect(),
            is_full: AtomicBool::new(false),
        }
    }

    /// Whether to keep what was read of a key of this hash. The next that comes for the same
    /// key will be let in.
    pub(super) fn admits(&self, hash: u64) -> bool {
        if !self.is_full.load(Ordering::Relaxed) {
            return true;
        }
        let Some((place, part)) = self.place(hash) else {
            return true;
        };
        let is_known = place.load(Ordering::Relaxed) == part;
        if !is_known {
            place.store(part, Ordering::Relaxed);
        }
        is_known
    }

    /// Lets the next in that comes for a key of this hash.
    pub(super) fn expect(&self, hash: u64) {
        if let Some((place, part)) = self.place(hash) {
            place.store(part, Ordering::Relaxed);
        }
    }

    /// Something was evicted.
    pub(super) fn close(&self) {
        // Others read it all the time.
        if !self.is_full.load(Ordering::Relaxed) {
            self.is_full.store(true, Ordering::Relaxed);
        }
    }

    /// There is room.
    pub(super) fn open(&self) {
        if self.is_full.load(Ordering::Relaxed) {
            self.is_full.store(false, Ordering::Relaxed);
        }
    }

    fn place(&self, hash: u64) -> Option<(&AtomicU16, u16)> {
        let places = u64::try_from(self.turned_away.len()).ok()?;
        let index = ((hash >> 32) * places) >> 32;
        let place = self.turned_away.get(usize::try_from(index).ok()?)?;
        let [low, high, ..] = hash.to_le_bytes();
        // Zero is what nobody left.
        Some((place, u16::from_le_bytes([low, high]) | 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_to_a_full_level_is_let_in_the_second_time() {
        let door = Door::new(1_000);
        assert!(door.admits(7));
        door.close();
        assert!(!door.admits(7));
        assert!(!door.admits(1 << 63 | 7), "another");
        assert!(door.admits(7));
        door.expect(9);
        assert!(door.admits(9));
        door.open();
        assert!(door.admits(11));
    }

    #[test]
    fn who_comes_back_after_many_others_is_not_remembered() {
        let door = Door::new(1_000);
        door.close();
        let hash = |number: u64| number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let admitted = (0..100_000_u64)
            .filter(|number| door.admits(hash(number % 10_000)))
            .count();
        assert!(admitted < 100, "{admitted}");
    }
}
