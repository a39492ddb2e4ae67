//! The line of operations that may have left what is recovered at one place.

use std::collections::BTreeSet;

use crate::proof::{Content, Effect, History, OperationId, Place, Signature};

/// The operations that write a place of one task, in order, and which of them
/// may be the last that survived.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) place: Place,
    /// Those that were not refused.
    writes: Vec<(OperationId, Effect)>,
    /// How many of `writes` may have survived up to the last one: 0 stands for
    /// the state before them all. Never empty.
    candidates: BTreeSet<usize>,
}

/// What is recovered at a place cannot be what its line left.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// An operation of the line wrote it, and then something else.
    Overwritten(OperationId),
    /// An operation that was refused wrote it.
    Refused(OperationId),
    /// No operation wrote it.
    Foreign(String),
}

impl Line {
    /// The line of `place`, where `content` was recovered.
    pub(super) fn of(
        history: &History,
        round: u32,
        place: Place,
        content: Option<&Content>,
    ) -> Result<Self, Mismatch> {
        let writes: Vec<_> = history
            .records_at(place)
            .filter(|record| record.may_have_applied())
            .filter_map(|record| {
                let effect = record.operation.effect_on(place)?;
                Some((record.operation.id, effect))
            })
            .collect();
        let left_by = |effect: Effect, initial: bool| -> BTreeSet<usize> {
            (1..)
                .zip(&writes)
                .filter(|(_, (_, left))| *left == effect)
                .map(|(number, _)| number)
                .chain(initial.then_some(0))
                .collect()
        };
        let candidates = match content {
            None => left_by(Effect::Nothing, true),
            Some(Content::Blank) => left_by(Effect::Blank, false),
            Some(Content::Damaged(why)) => {
                return Err(Mismatch::Foreign(format!("a damaged value: {why}")));
            }
            Some(Content::Signed(signature)) => (1..)
                .zip(&writes)
                .filter(|(_, (id, left))| signs(signature, round, *id, *left))
                .map(|(number, _)| number)
                .collect(),
        };
        if candidates.is_empty() {
            return Err(mismatch(history, round, place, content));
        }
        Ok(Self {
            place,
            writes,
            candidates,
        })
    }

    /// The one operation that must be present.
    pub(super) fn present(&self) -> Option<OperationId> {
        let mut candidates = self.candidates.iter();
        match (candidates.next(), candidates.next()) {
            (Some(only), None) => self.operation(*only),
            _ => None,
        }
    }

    /// The operations that must be absent.
    pub(super) fn absent(&self) -> impl Iterator<Item = OperationId> + '_ {
        let last = self.candidates.last().copied().unwrap_or(0);
        self.writes.iter().skip(last).map(|(id, _)| *id)
    }

    /// Leaves out candidates that are absent, and those before an operation
    /// that is present. Returns the last candidate if none would be left: then
    /// it is there in part.
    pub(super) fn narrow(
        &mut self,
        is_present: impl Fn(OperationId) -> bool,
        is_absent: impl Fn(OperationId) -> bool,
    ) -> Option<OperationId> {
        let first = (1..)
            .zip(&self.writes)
            .filter(|(_, (id, _))| is_present(*id))
            .map(|(number, _)| number)
            .last()
            .unwrap_or(0);
        let last = self.candidates.last().copied();
        let left: BTreeSet<usize> = self
            .candidates
            .iter()
            .copied()
            .filter(|number| *number >= first)
            .filter(|number| !self.operation(*number).is_some_and(&is_absent))
            .collect();
        if left.is_empty() {
            return last.and_then(|number| self.operation(number));
        }
        self.candidates = left;
        None
    }

    fn operation(&self, number: usize) -> Option<OperationId> {
        let index = number.checked_sub(1)?;
        self.writes.get(index).map(|(id, _)| *id)
    }
}

fn signs(signature: &Signature, round: u32, id: OperationId, left: Effect) -> bool {
    signature.round == round
        && signature.operation == id
        && left
            == Effect::Value {
                change: signature.change,
            }
}

/// Whose value it is, if none that the line ends with.
fn mismatch(history: &History, round: u32, place: Place, content: Option<&Content>) -> Mismatch {
    let Some(Content::Signed(signature)) = content else {
        return Mismatch::Foreign(format!("{content:?}, which no operation put there"));
    };
    let record = history.record(signature.operation).filter(|record| {
        signature.round == round && record.operation.puts_at(place, signature.change)
    });
    match record {
        None => Mismatch::Foreign(format!("{signature:?}, which was not written there")),
        Some(record) if record.may_have_applied() => Mismatch::Overwritten(signature.operation),
        Some(_) => Mismatch::Refused(signature.operation),
    }
}
