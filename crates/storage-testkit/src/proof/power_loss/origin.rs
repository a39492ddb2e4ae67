//! What a recording begins with.

use super::tree::Tree;
use crate::proof::inspect::Left;

/// A directory, and what must be in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    /// The directory; nothing if the store is new.
    pub(super) tree: Option<Tree>,
    /// Rounds whose store was closed before the power went, and the digests of
    /// what they left. That must stay as it is.
    pub(super) closed: Vec<(u32, String)>,
    /// The last sequence that is in the directory. No commit may have it again.
    pub(super) last_sequence: u64,
    /// Rounds in the middle of which the power went: whatever each was promised
    /// must outlast every later loss too.
    pub(super) cut_off: Vec<CutOff>,
    /// How many rounds this store has been through.
    pub(super) age: usize,
}

/// A round that lost its power before the store was closed.
#[derive(Clone, Debug)]
pub(super) struct CutOff {
    pub(super) round: u32,
    pub(super) notes: Vec<u8>,
}

impl Origin {
    /// After so many rounds a new store is made.
    const ROUNDS_A_STORE: usize = 4;

    /// The rounds that wrote to the store.
    pub(super) fn rounds(&self) -> impl Iterator<Item = u32> + '_ {
        let closed = self.closed.iter().map(|(round, _)| *round);
        closed.chain(self.cut_off.iter().map(|cut_off| cut_off.round))
    }

    /// Where the next round begins if the power went in the middle of `round`.
    pub(super) fn after_cut(&self, round: u32, notes: Vec<u8>, image: Tree, left: u64) -> Self {
        let mut next = self.after(image, left);
        next.cut_off.push(CutOff { round, notes });
        next.aged()
    }

    /// Where the next round begins if `round` closed its store, which held what
    /// has this digest.
    pub(super) fn after_close(&self, round: u32, image: Tree, left: Left) -> Self {
        let mut next = self.after(image, left.last_sequence);
        next.closed.push((round, left.digest));
        next.aged()
    }

    fn after(&self, image: Tree, last_sequence: u64) -> Self {
        Self {
            tree: Some(image),
            last_sequence,
            ..self.clone()
        }
    }

    /// The same store after one more round, unless it is time for a new one.
    fn aged(mut self) -> Self {
        self.age += 1;
        if self.age < Self::ROUNDS_A_STORE {
            self
        } else {
            Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        Tree::load(tempfile::tempdir().unwrap().path()).unwrap().0
    }

    #[test]
    fn a_round_that_lost_its_power_is_remembered_through_the_next() {
        let left = Left {
            digest: "digest".into(),
            last_sequence: 9,
        };
        let origin = Origin::default()
            .after_cut(3, b"third".to_vec(), tree(), 4)
            .after_cut(4, b"fourth".to_vec(), tree(), 7)
            .after_close(5, tree(), left);
        let cut_off: Vec<_> = origin
            .cut_off
            .iter()
            .map(|cut_off| (cut_off.round, cut_off.notes.as_slice()))
            .collect();
        assert_eq!(cut_off, [(3, &b"third"[..]), (4, b"fourth")]);
        assert_eq!(origin.closed, [(5, "digest".to_owned())]);
        assert_eq!(origin.last_sequence, 9);
        let rounds: Vec<u32> = origin.rounds().collect();
        assert_eq!(rounds, [5, 3, 4]);
    }
}
