//! Dice: repeatable choices.

use std::ops::RangeInclusive;

use storage_core::SeededRandom;

/// Makes the choices of one history, or of one task.
#[derive(Debug)]
pub(crate) struct Dice(SeededRandom);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(SeededRandom::new(seed))
    }

    /// A number below `end`; zero if there is none.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.0.next_u64().checked_rem(end).unwrap_or(0)
    }

    /// A number of a range that is not empty.
    pub(crate) fn within(&self, range: RangeInclusive<u32>) -> u32 {
        let (start, end) = range.into_inner();
        let offset = self.below(u64::from(end.saturating_sub(start)) + 1);
        start.saturating_add(u32::try_from(offset).unwrap_or(0))
    }

    /// A number below `end`; zero if there is none.
    pub(crate) fn small(&self, end: u16) -> u16 {
        u16::try_from(self.below(u64::from(end))).unwrap_or(0)
    }

    /// A length of at most `longest`.
    pub(crate) fn length(&self, longest: u32) -> usize {
        let length = self.below(u64::from(longest) + 1);
        usize::try_from(length).unwrap_or(0)
    }

    /// True once in `times`.
    pub(crate) fn once_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of `options`, of which there is at least the given first.
    pub(crate) fn pick<T: Copy>(&self, first: T, others: &[T]) -> T {
        let count = u64::try_from(others.len())
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let index = usize::try_from(self.below(count)).unwrap_or(0);
        match index.checked_sub(1) {
            None => first,
            Some(index) => others.get(index).copied().unwrap_or(first),
        }
    }
}
