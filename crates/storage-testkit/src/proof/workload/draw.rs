//! Dice for operations: which kind is next, on which keys, how durable.

use storage_core::{Durability, Support};

use super::plan::Plan;
use crate::{
    dice::Dice,
    proof::{Change, Place},
};

/// What a task does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One put or delete.
    Single,
    /// Several puts and deletes.
    Batch,
    /// A batch with guards on the task's own keys.
    Guarded,
    /// A compare-and-swap on a shared key.
    Swap,
    /// A range delete of own keys.
    Range,
    /// A flush or a compaction.
    Upkeep,
}

impl Kind {
    pub(super) fn draw(dice: &Dice, plan: &Plan, task: u16) -> Self {
        if task == 0 && dice.once_in(plan.upkeep_once_in) {
            return Self::Upkeep;
        }
        let kind = match dice.below(100) {
            0..40 => Self::Single,
            40..60 => Self::Batch,
            60..78 => Self::Guarded,
            78..96 => Self::Swap,
            _ => Self::Range,
        };
        let is_offered = match kind {
            Self::Single | Self::Upkeep => true,
            Self::Batch => plan.has_batches(),
            Self::Guarded => plan.guards == Support::Supported && plan.has_batches(),
            Self::Swap => plan.guards == Support::Supported && plan.batch_max > 1,
            Self::Range => plan.range_deletes == Support::Supported,
        };
        if is_offered { kind } else { Self::Single }
    }
}

/// Draws the parts of one task's operations.
#[derive(Debug)]
pub(super) struct Draw<'a> {
    pub(super) dice: &'a Dice,
    pub(super) plan: &'a Plan,
    pub(super) task: u16,
}

impl Draw<'_> {
    pub(super) fn durability(&self) -> Durability {
        let Some((strongest, others)) = self.plan.durabilities.split_last() else {
            return Durability::Volatile;
        };
        match others.split_first() {
            Some((weakest, between)) if !self.dice.once_in(self.plan.strongest_once_in) => {
                self.dice.pick(*weakest, between)
            }
            _ => *strongest,
        }
    }

    /// A key of the task's own.
    pub(super) fn place(&self) -> Place {
        let (task, index) = (self.task, self.dice.small(self.plan.keys));
        if self.dice.once_in(4) {
            Place::Hidden { task, index }
        } else {
            Place::Own { task, index }
        }
    }

    pub(super) fn shared_place(&self) -> Place {
        Place::Shared {
            index: self.dice.small(self.plan.shared),
        }
    }

    pub(super) fn put(&self, place: Place) -> Change {
        Change::Put {
            place,
            bytes: self.plan.value_bytes(self.dice),
        }
    }

    pub(super) fn change(&self) -> Change {
        let place = self.place();
        if self.dice.once_in(5) {
            Change::Delete { place }
        } else {
            self.put(place)
        }
    }

    /// Several changes, now and then a range delete among them.
    pub(super) fn changes(&self) -> Vec<Change> {
        let mut changes: Vec<_> = (0..self.plan.batch_length(self.dice))
            .map(|_| self.change())
            .collect();
        if self.plan.range_deletes == Support::Supported && self.dice.once_in(20) {
            changes.push(self.range_delete());
        }
        changes
    }

    pub(super) fn range_delete(&self) -> Change {
        let from = self.dice.small(self.plan.keys);
        Change::DeleteOwn {
            task: self.task,
            from,
            to: from.saturating_add(1 + self.dice.small(6)),
        }
    }

    pub(super) fn is_logged(&self) -> bool {
        self.plan.log == Support::Supported && self.dice.once_in(3)
    }
}
