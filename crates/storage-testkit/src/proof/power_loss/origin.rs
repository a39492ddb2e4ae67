//! What a recording begins with.

use super::tree::Tree;

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
    /// The round before, if the power went while it worked: whatever it was
    /// promised must outlast the next loss too.
    pub(super) cut_off: Option<CutOff>,
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

    /// The same store after one more round, unless it is time for a new one.
    pub(super) fn aged(mut self) -> Self {
        self.age += 1;
        if self.age < Self::ROUNDS_A_STORE {
            self
        } else {
            Self::default()
        }
    }
}
