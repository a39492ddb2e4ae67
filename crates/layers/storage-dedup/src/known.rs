//! Chunks that the store had when it was last asked.

use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::hash::ChunkHash;

/// Hashes of chunks that were there lately. It may be wrong: whoever relies on it guards
/// the commit, and is told.
#[derive(Debug)]
pub(crate) struct Known {
    /// Each of the two generations holds no more.
    generation_max: usize,
    generations: Mutex<Generations>,
}

/// What is found in the old one moves to the young one, and so outlives it.
#[derive(Debug, Default)]
struct Generations {
    young: HashSet<ChunkHash>,
    old: HashSet<ChunkHash>,
}

impl Known {
    pub(crate) fn new(hashes_max: usize) -> Self {
        Self {
            generation_max: hashes_max / 2,
            generations: Mutex::default(),
        }
    }

    /// Which of these chunks were there lately.
    pub(crate) fn among(&self, hashes: impl Iterator<Item = ChunkHash>) -> Vec<bool> {
        let mut generations = self.lock();
        let mut find = |hash| {
            let is_known = generations.young.contains(&hash) || generations.old.remove(&hash);
            if is_known {
                self.insert(&mut generations, hash);
            }
            is_known
        };
        hashes.map(&mut find).collect()
    }

    pub(crate) fn learn(&self, hashes: impl Iterator<Item = ChunkHash>) {
        let mut generations = self.lock();
        for hash in hashes {
            self.insert(&mut generations, hash);
        }
    }

    pub(crate) fn forget(&self, hash: ChunkHash) {
        let mut generations = self.lock();
        generations.young.remove(&hash);
        generations.old.remove(&hash);
    }

    fn insert(&self, generations: &mut Generations, hash: ChunkHash) {
        if self.generation_max == 0 {
            return;
        }
        if generations.young.len() >= self.generation_max && !generations.young.contains(&hash) {
            generations.old = mem::take(&mut generations.young);
        }
        generations.young.insert(hash);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u8) -> ChunkHash {
        ChunkHash([number; 32])
    }

    fn knows(known: &Known, number: u8) -> bool {
        known.among([hash(number)].into_iter()) == [true]
    }

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let known = Known::new(8);
        known.learn([hash(0)].into_iter());
        for number in 1..100 {
            known.learn([hash(number)].into_iter());
            assert!(knows(&known, 0), "{number}");
        }
        assert!(!knows(&known, 1));
        assert!(knows(&known, 99));
        let generations = known.lock();
        assert!(generations.young.len() + generations.old.len() <= 8);
    }

    #[test]
    fn what_is_forgotten_is_forgotten() {
        let known = Known::new(4);
        known.learn([hash(1), hash(2), hash(3)].into_iter());
        known.forget(hash(1));
        known.forget(hash(3));
        assert_eq!(
            known.among([hash(1), hash(2), hash(3)].into_iter()),
            [false, true, false]
        );
        let nothing = Known::new(1);
        nothing.learn([hash(1)].into_iter());
        assert!(!knows(&nothing, 1));
    }
}
