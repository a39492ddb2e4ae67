//! The steps of a client, as they are drawn from the dice.

use storage_core::{BatchScope, Capabilities, SnapshotSupport};

use super::probe::has_guards;
use crate::dice::Dice;

/// The keys of a history. Few, so that clients meet.
pub(super) const NAMES: [&str; 3] = ["a", "b", "c"];

/// One of the [`NAMES`].
pub(super) type Name = &'static str;

/// One step of a client; values and stamps are filled in when it is taken.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Get(Name),
    GetMany,
    Page,
    Snapshot,
    Commit {
        guard: Option<(Name, GuardPlan)>,
        changes: Vec<(Name, ChangePlan)>,
        patience: Patience,
    },
    Delete(Name),
    /// From the value that this client saw or set last.
    CompareAndSwap(Name, ChangePlan),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum GuardPlan {
    Absent,
    Present,
    /// With the stamp that a read returns just before.
    Unchanged,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ChangePlan {
    Put,
    Delete,
}

/// How long a client waits for a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    UntilAnswered,
    /// It drops the future after the first poll, which is what accepts it.
    OnePoll,
}

/// Draws a step that a store with these capabilities offers.
pub(super) fn draw(dice: &Dice, capabilities: &Capabilities) -> Step {
    let guarded = has_guards(capabilities);
    match dice.below(20) {
        0..4 => Step::Get(name(dice)),
        4 => Step::GetMany,
        5..7 => Step::Page,
        7 if capabilities.snapshots != SnapshotSupport::Unsupported => Step::Snapshot,
        8 if guarded => Step::Delete(name(dice)),
        9..13 if guarded => Step::CompareAndSwap(name(dice), change(dice)),
        _ => commit(dice, capabilities),
    }
}

fn commit(dice: &Dice, capabilities: &Capabilities) -> Step {
    // Three changes and a guard. The keys of a history are in one partition.
    let is_wide = capabilities.batch != BatchScope::Key && capabilities.batch_operations_max > 3;
    let changes: Vec<_> = if is_wide && dice.once_in(2) {
        let which = 1 + dice.below(7);
        let chosen = |(number, name): (u32, &Name)| {
            ((which >> number) & 1 == 1).then(|| (*name, change(dice)))
        };
        (0..).zip(&NAMES).filter_map(chosen).collect()
    } else {
        vec![(name(dice), change(dice))]
    };
    // A guard of a batch for one key looks at that key.
    let guard_on = match changes.as_slice() {
        [(name, _)] if !is_wide => *name,
        _ => name(dice),
    };
    let is_guarded = has_guards(capabilities) && dice.once_in(2);
    Step::Commit {
        guard: is_guarded.then(|| (guard_on, guard(dice))),
        changes,
        patience: if dice.once_in(10) {
            Patience::OnePoll
        } else {
            Patience::UntilAnswered
        },
    }
}

fn guard(dice: &Dice) -> GuardPlan {
    dice.pick(
        GuardPlan::Unchanged,
        &[GuardPlan::Unchanged, GuardPlan::Absent, GuardPlan::Present],
    )
}

fn change(dice: &Dice) -> ChangePlan {
    if dice.once_in(4) {
        ChangePlan::Delete
    } else {
        ChangePlan::Put
    }
}

fn name(dice: &Dice) -> Name {
    dice.pick("a", &["b", "c"])
}
