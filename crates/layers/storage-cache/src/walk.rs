//! Telling a walk through neighbouring keys from reads of any keys.

use crate::key::CacheKey;

/// So many steps in a row make a walk.
const STEPS_MIN: u32 = 2;

/// How much of its end may differ between a key and the next: a counter's last digits.
const TAIL_BYTES: usize = 4;

/// The last read that missed, and how it came there.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    last: Option<CacheKey>,
    /// How many misses in a row came shortly after the one before.
    steps: u32,
}

impl Walk {
    /// Takes note of a miss. Says whether it is at least the third of a walk.
    pub(crate) fn step(&mut self, key: &CacheKey) -> bool {
        let is_step = self.last.as_ref().is_some_and(|last| is_next(last, key));
        self.steps = if is_step {
            self.steps.saturating_add(1)
        } else {
            0
        };
        self.last = Some(key.clone());
        self.steps >= STEPS_MIN
    }
}

/// Whether `key` comes after `last` and differs from it in its last bytes only.
fn is_next(last: &CacheKey, key: &CacheKey) -> bool {
    let (last, key) = (last.as_key(), key.as_key());
    let alike = last
        .bytes()
        .iter()
        .zip(key.bytes())
        .take_while(|(one, other)| one == other)
        .count();
    let longest = last.bytes().len().max(key.bytes().len());
    last.bytes() < key.bytes() && longest - alike <= TAIL_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walks(keys: &[&str]) -> bool {
        let mut walk = Walk::default();
        let mut is_walk = false;
        for key in keys {
            is_walk = walk.step(&CacheKey::of((*key).into()));
        }
        is_walk
    }

    #[test]
    fn three_neighbours_in_order_are_a_walk_and_nothing_less_is() {
        assert!(walks(&["row/0098", "row/0099", "row/0100"]));
        assert!(walks(&["row/9", "row/10", "row/11", "row/12"]) != walks(&["row/9", "row/10"]));
        assert!(!walks(&["row/1", "row/2"]));
        assert!(!walks(&["row/3", "row/2", "row/1"]));
        assert!(!walks(&["row/1", "row/2", "row/2"]));
        assert!(!walks(&["1a5c0e97", "51bb2d10", "9e3779b9"]));
    }
}
