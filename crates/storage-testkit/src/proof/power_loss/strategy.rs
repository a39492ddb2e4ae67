//! Ways to lose what was not durable.

use std::collections::BTreeMap;

use super::{
    content::{length, pieces},
    event::FileOperation,
    loss::{Loss, SECTOR_BYTES},
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
    pub(super) fn losses(
        self,
        unsynced: &[(usize, &FileOperation)],
        dice: &Dice,
    ) -> BTreeMap<usize, Loss> {
        let count = u64::try_from(unsynced.len()).unwrap_or(u64::MAX);
        let chosen = dice.below(count);
        let few = dice.below(4).saturating_add(1);
        let mut losses = BTreeMap::new();
        for (place, (index, operation)) in (0_u64..).zip(unsynced) {
            let kept_if = |is_kept| if is_kept { Loss::Kept } else { Loss::Lost };
            let loss = match self {
                Self::LoseAll => Loss::Lost,
                Self::KeepAll => Loss::Kept,
                Self::KeepFirst => kept_if(place < chosen),
                Self::LoseLast => kept_if(place < count.saturating_sub(few)),
                Self::LoseOne => kept_if(place != chosen),
                Self::KeepOne => kept_if(place == chosen),
                Self::Subset => kept_if(dice.once_in(2)),
                Self::Torn => torn(operation, dice),
                Self::LoseData => Loss::without_data(operation),
                Self::LoseNames if operation.is_of_names() => Loss::Lost,
                Self::LoseNames => Loss::without_size(operation),
            };
            losses.insert(*index, loss);
        }
        lose_dependents(unsynced, &mut losses);
        losses
    }
}

fn torn(operation: &FileOperation, dice: &Dice) -> Loss {
    let FileOperation::Write { offset, bytes, .. } = operation else {
        return if dice.once_in(2) {
            Loss::Kept
        } else {
            Loss::Lost
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
    Loss::Torn { sectors, size }
}

/// An operation on names is lost with each that it depends on.
fn lose_dependents(unsynced: &[(usize, &FileOperation)], losses: &mut BTreeMap<usize, Loss>) {
    let mut lost: Vec<&FileOperation> = Vec::new();
    for (index, operation) in unsynced {
        if !operation.is_of_names() {
            continue;
        }
        let is_lost = losses.get(index) == Some(&Loss::Lost)
            || lost.iter().any(|earlier| operation.depends_on(earlier));
        if is_lost {
            losses.insert(*index, Loss::Lost);
            lost.push(operation);
        }
    }
}
