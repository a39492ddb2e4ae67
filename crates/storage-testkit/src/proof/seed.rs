//! Seeds for the parts of a round.

use blake3::Hasher;

/// A part of a round that draws its own numbers. No part's numbers say anything
/// about another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// How the children end, or what losses of power leave.
    Ending,
    /// The shape of the workload.
    Plan,
    /// What one task does.
    Task(u16),
}

impl Part {
    /// The seed of this part in the round of `seed`.
    ///
    /// It is hashed: a generator that is started with nearly the same number
    /// may run through the same sequence, a few steps ahead.
    pub(crate) fn seed(self, seed: u64) -> u64 {
        let (kind, number) = match self {
            Self::Ending => (0, 0),
            Self::Plan => (1, 0),
            Self::Task(number) => (2, number),
        };
        let mut bytes = [0; 8];
        Hasher::new()
            .update(&seed.to_be_bytes())
            .update(&[kind])
            .update(&number.to_be_bytes())
            .finalize_xof()
            .fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dice::Dice;

    #[test]
    fn no_two_parts_draw_the_same_numbers() {
        const DRAWN: usize = 200;
        for seed in 0..20 {
            let tasks = (0..20).map(Part::Task);
            let parts: Vec<_> = tasks.chain([Part::Ending, Part::Plan]).collect();
            let mut drawn = BTreeSet::new();
            for part in &parts {
                let dice = Dice::new(part.seed(seed));
                drawn.extend((0..DRAWN).map(|_| dice.below(u64::MAX)));
            }
            assert_eq!(drawn.len(), DRAWN * parts.len(), "seed {seed}");
        }
    }
}
