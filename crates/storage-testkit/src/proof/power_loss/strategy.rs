//! Ways to lose what was not durable.

use std::collections::BTreeMap;

use super::{
    content::{length, pieces},
    event::Operation,
    fate::{Fate, SECTOR_BYTES},
};
use crate::dice::Dice;

/// A way to choose among the legal outcomes of one loss of power. Each finds
/// other mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    /// Nothing that was not synced is left.
    LoseAll,
    /// Everything reached the disk, as after `kill -9`.
    KeepAll,
    /// What was done first reached the disk.
    KeepFirst,
    /// All but the last few operations reached the disk.
    LoseLast,
    /// One operation was lost.
    LoseOne,
    /// One operation was kept.
    KeepOne,
    /// Each operation was kept or lost.
    Subset,
    /// Each operation was kept, lost or torn.
    Torn,
    /// Names and sizes are there, the data is not.
    LoseData,
    /// Data is there, the names and sizes are not.
    LoseNames,
}

impl Strategy {
    pub(super) fn draw(dice: &Dice) -> Self {
        dice.pick(
            Self::LoseAll,
            &[
                Self::KeepAll,
                Self::KeepFirst,
                Self::LoseLast,
                Self::LoseOne,
                Self::KeepOne,
                Self::Subset,
                Self::Torn,
                Self::Torn,
                Self::LoseData,
                Self::LoseNames,
            ],
        )
    }

    /// What becomes of each operation that was not durable.
    pub(super) fn fates(
        self,
        unsynced: &[(usize, &Operation)],
        dice: &Dice,
    ) -> BTreeMap<usize, Fate> {
        let count = u64::try_from(unsynced.len()).unwrap_or(u64::MAX);
        let chosen = dice.below(count);
        let few = dice.below(4).saturating_add(1);
        let mut fates = BTreeMap::new();
        for (place, (index, operation)) in (0_u64..).zip(unsynced) {
            let kept_if = |is_kept| if is_kept { Fate::Kept } else { Fate::Lost };
            let fate = match self {
                Self::LoseAll => Fate::Lost,
                Self::KeepAll => Fate::Kept,
                Self::KeepFirst => kept_if(place < chosen),
                Self::LoseLast => kept_if(place < count.saturating_sub(few)),
                Self::LoseOne => kept_if(place != chosen),
                Self::KeepOne => kept_if(place == chosen),
                Self::Subset => kept_if(dice.once_in(2)),
                Self::Torn => torn(operation, dice),
                Self::LoseData => Fate::without_data(operation),
                Self::LoseNames if operation.is_of_names() => Fate::Lost,
                Self::LoseNames => Fate::without_size(operation),
            };
            fates.insert(*index, fate);
        }
        lose_dependents(unsynced, &mut fates);
        fates
    }
}

fn torn(operation: &Operation, dice: &Dice) -> Fate {
    let Operation::Write { offset, bytes, .. } = operation else {
        return if dice.once_in(2) {
            Fate::Kept
        } else {
            Fate::Lost
        };
    };
    let end = offset.saturating_add(length(bytes));
    let mut ends: Vec<u64> = pieces(*offset, bytes, SECTOR_BYTES)
        .map(|(start, piece)| start.saturating_add(length(piece)))
        .collect();
    // The whole size as often as all the partial ones together.
    let size = match dice.below(3) {
        0 => None,
        1 => Some(end),
        _ => Some(
            ends.swap_remove(dice.length(u32::try_from(ends.len().saturating_sub(1)).unwrap_or(0))),
        ),
    };
    let lost_one_in = dice.below(4).saturating_add(1);
    let sectors = pieces(*offset, bytes, SECTOR_BYTES)
        .map(|_| !dice.once_in(lost_one_in.saturating_add(1)))
        .collect();
    Fate::Torn { sectors, size }
}

/// An operation on names is lost with each that it depends on.
fn lose_dependents(unsynced: &[(usize, &Operation)], fates: &mut BTreeMap<usize, Fate>) {
    let mut lost: Vec<&Operation> = Vec::new();
    for (index, operation) in unsynced {
        if !operation.is_of_names() {
            continue;
        }
        let is_lost = fates.get(index) == Some(&Fate::Lost)
            || lost.iter().any(|earlier| operation.depends_on(earlier));
        if is_lost {
            fates.insert(*index, Fate::Lost);
            lost.push(operation);
        }
    }
}
