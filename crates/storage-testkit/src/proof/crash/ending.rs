//! How the children of a round end.

use std::time::Duration;

use crate::dice::Dice;

/// How a working child ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is killed so long after it was started, maybe before the store is
    /// open.
    KilledEarly(Duration),
    /// It is killed so long after it opened the store.
    KilledAtWork(Duration),
    /// It is killed when it notes something, so long after it opened the store
    /// or later. If it notes nothing more, it hangs.
    KilledAtANote(Duration),
    /// It closes the store after so long.
    Closes(Duration),
}

impl Ending {
    pub(super) fn draw(dice: &Dice) -> Self {
        match dice.below(10) {
            0 => Self::KilledEarly(milliseconds(dice, 60)),
            1 => Self::Closes(milliseconds(dice, 200)),
            2..5 => Self::KilledAtWork(milliseconds(dice, 30)),
            5 => Self::KilledAtANote(milliseconds(dice, 300)),
            _ => Self::KilledAtWork(milliseconds(dice, 300)),
        }
    }
}

/// After how long an inspecting child is killed before another may finish;
/// mostly none is.
pub(super) fn interruption(dice: &Dice) -> Option<Duration> {
    dice.once_in(5).then(|| milliseconds(dice, 60))
}

fn milliseconds(dice: &Dice, at_most: u64) -> Duration {
    Duration::from_micros(dice.below(at_most * 1_000))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use storage_core::Capabilities;

    use super::*;
    use crate::proof::{seed::Part, workload::Plan};

    #[test]
    fn however_many_tasks_there_are_they_end_in_every_way() {
        let drawn: BTreeSet<_> = (0..2_000)
            .map(|seed| {
                let tasks = Plan::draw(seed, &Capabilities::least()).tasks;
                let end = match Ending::draw(&Dice::new(Part::Ending.seed(seed))) {
                    Ending::KilledEarly(_) => "early",
                    Ending::KilledAtWork(_) => "at work",
                    Ending::KilledAtANote(_) => "at a note",
                    Ending::Closes(_) => "closes",
                };
                let range = match tasks {
                    1 => "1",
                    2..9 => "few",
                    9..33 => "many",
                    _ => "most",
                };
                (end, range)
            })
            .collect();
        assert_eq!(drawn.len(), 16, "{drawn:?}");
    }
}
