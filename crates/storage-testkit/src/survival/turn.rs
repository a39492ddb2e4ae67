//! Turns: what histories under faults are made of.

use storage_core::{Capabilities, Durability, ErrorKind, SequenceScope};

use crate::{
    dice::Dice,
    faulty::{Call, Fault, Gate},
    model::step::{self, Step},
};

/// One thing done to the layers, or to what was put off below them.
#[derive(Clone, Debug)]
pub(super) enum Turn {
    /// A step without a fault.
    Step(Step),
    /// A step, and the fault that happens to one of the calls it makes below.
    Under(FaultPlan, Step),
    /// What was put off may happen from now on.
    LetLateCommitsHappen,
    /// Everything is read.
    Look,
}

/// A fault for the call of this number, counted from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct FaultPlan {
    pub(super) target: Target,
    pub(super) number: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Read(ReadFault),
    Snapshot(ErrorKind),
    Commit(CommitFault, ErrorKind),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ReadFault {
    Refuse(ErrorKind),
    Corrupt,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum CommitFault {
    Refuse,
    LoseAnswer,
    LoseRequest,
    ApplyLate,
}

/// What histories ask of a store that offers `capabilities`. The sequence of a
/// commit whose answer is lost is not known, and a store over one in memory does
/// not open again.
pub(super) fn offered(capabilities: &Capabilities) -> Capabilities {
    let mut offered = capabilities.clone();
    offered.sequence = SequenceScope::Unsupported;
    offered.durability_max = offered.durability_max.min(Durability::Volatile);
    offered
}

/// Draws a turn on a store with these capabilities.
pub(super) fn draw(dice: &Dice, capabilities: &Capabilities) -> Turn {
    match dice.below(10) {
        0..2 => Turn::Look,
        2 => Turn::LetLateCommitsHappen,
        3..7 => Turn::Under(fault(dice), step::draw(dice, capabilities)),
        _ => Turn::Step(step::draw(dice, capabilities)),
    }
}

fn fault(dice: &Dice) -> FaultPlan {
    let kind = dice.pick(
        ErrorKind::Unavailable,
        &[
            ErrorKind::TimedOut,
            ErrorKind::Throttled,
            ErrorKind::Internal,
        ],
    );
    let target = match dice.below(12) {
        0..3 => Target::Read(ReadFault::Refuse(kind)),
        3 => Target::Read(ReadFault::Corrupt),
        4 => Target::Snapshot(kind),
        _ => {
            let others = &[
                CommitFault::LoseAnswer,
                CommitFault::LoseRequest,
                CommitFault::ApplyLate,
            ];
            Target::Commit(dice.pick(CommitFault::Refuse, others), kind)
        }
    };
    FaultPlan {
        target,
        number: 1 + dice.below(2),
    }
}

impl Target {
    /// The calls that the fault may happen to.
    pub(super) fn calls(self) -> Vec<Call> {
        match self {
            Self::Read(_) => Call::READS.to_vec(),
            Self::Snapshot(_) => vec![Call::Snapshot],
            Self::Commit(..) => vec![Call::Commit],
        }
    }
    /// What happens to them. What is put off waits at `gate`.
    pub(super) fn fault(self, gate: &Gate) -> Fault {
        match self {
            Self::Read(ReadFault::Corrupt) => Fault::corrupt(),
            Self::Read(ReadFault::Refuse(kind))
            | Self::Snapshot(kind)
            | Self::Commit(CommitFault::Refuse, kind) => Fault::refuse(kind),
            Self::Commit(CommitFault::LoseAnswer, kind) => Fault::lose_answer(kind),
            Self::Commit(CommitFault::LoseRequest, kind) => Fault::lose_request(kind),
            Self::Commit(CommitFault::ApplyLate, kind) => Fault::apply_late(kind, gate),
        }
    }

    /// Whether commits are put off.
    pub(super) const fn is_late(self) -> bool {
        matches!(self, Self::Commit(CommitFault::ApplyLate, _))
    }
}
