//! Guards: whether commits were applied and refused as their guards demand.

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, FindingKind, History, Record, Verdict, evidence::Evidence};
use crate::proof::{Condition, Effect, OperationId, Place, Refusal};

/// Reports commits that their guards should have stopped, and refusals without
/// a reason.
pub(super) fn check(history: &History, evidence: &Evidence, verdict: &mut Verdict) {
    check_programs(history, verdict);
    let read = check_reads(history, verdict);
    check_swaps(history, evidence, &read, verdict);
    check_refusals(history, evidence, verdict);
}

/// What a task's operations so far left at a place.
type State = BTreeMap<Place, (OperationId, Effect)>;

/// Nobody but the task changes its own places, so it is known what its guards
/// saw; and of a task alone, what those on shared places saw.
fn check_programs(history: &History, verdict: &mut Verdict) {
    let tasks: BTreeSet<u16> = history
        .records()
        .map(|record| record.operation.id.task)
        .collect();
    let is_known = |place| tasks.len() == 1 || !matches!(place, Place::Shared { .. });
    let mut task = None;
    let mut state = State::new();
    for record in history.records() {
        let operation = &record.operation;
        if task.replace(operation.id.task) != Some(operation.id.task) {
            state.clear();
        }
        let mut holds = operation
            .conditions
            .iter()
            .map(|condition| holds(condition, &state).filter(|_| is_known(condition.place())));
        match record.answer {
            Answer::Committed { .. } => {
                if let Some(broken) = holds.position(|holds| holds == Some(false)) {
                    verdict.report(
                        FindingKind::GuardsBroken,
                        format!(
                            "operation {} was applied, though its guard {broken} does not hold: {:?}",
                            operation.id,
                            operation.conditions.get(broken)
                        ),
                    );
                }
                apply(record, &mut state);
            }
            Answer::Refused(Refusal::Conflict) => {
                if holds.all(|holds| holds == Some(true)) {
                    verdict.report(
                        FindingKind::GuardsBroken,
                        format!(
                            "operation {} was refused as a conflict, though all its guards hold: {:?}",
                            operation.id, operation.conditions
                        ),
                    );
                }
            }
            // The task ends here, or nothing happened.
            Answer::Open | Answer::Refused(Refusal::NotApplied) => {}
        }
    }
}

/// Whether a guard holds, if nobody else has a hand in it; `None` where two
/// values of no bytes may or may not be told apart.
fn holds(condition: &Condition, state: &State) -> Option<bool> {
    let now = state.get(&condition.place());
    match condition {
        Condition::Absent { .. } => Some(now.is_none()),
        Condition::Present { .. } => Some(now.is_some()),
        Condition::Unchanged { seen, .. } => match (seen, now) {
            (None, Some((_, Effect::Blank))) => None,
            (Some(seen), Some((id, effect))) => Some(seen == id && *effect != Effect::Blank),
            (None, Some(_)) | (_, None) => Some(false),
        },
    }
}

fn apply(record: &Record, state: &mut State) {
    let operation = &record.operation;
    let touched: BTreeSet<Place> = state.keys().copied().chain(operation.places()).collect();
    for place in touched {
        match operation.effect_on(place) {
            None => {}
            Some(Effect::Nothing) => {
                state.remove(&place);
            }
            Some(effect) => {
                state.insert(place, (operation.id, effect));
            }
        }
    }
}

/// The operations whose values were read. Each must be one that may have taken
/// effect.
fn check_reads(history: &History, verdict: &mut Verdict) -> BTreeSet<OperationId> {
    let read: BTreeSet<OperationId> = history
        .records()
        .flat_map(|record| record.operation.seen())
        .collect();
    for id in &read {
        match history.record(*id) {
            None => verdict.report(
                FindingKind::Foreign,
                format!("a value of operation {id} was read, which never began"),
            ),
            Some(record) if !record.may_have_applied() => verdict.report(
                FindingKind::GuardsBroken,
                format!("a value of operation {id} was read, which was refused"),
            ),
            Some(_) => {}
        }
    }
    read
}

/// No value occurs twice at a shared place, so of the swaps that read the same
/// one at most one can have succeeded.
fn check_swaps(
    history: &History,
    evidence: &Evidence,
    read: &BTreeSet<OperationId>,
    verdict: &mut Verdict,
) {
    let mut winners = BTreeMap::new();
    for record in history.records().filter(|record| record.may_have_applied()) {
        let operation = &record.operation;
        let applied = record.durability().is_some()
            || read.contains(&operation.id)
            || evidence.shows(operation.id).is_some();
        let places = operation.conditions.iter().map(Condition::place);
        for place in places.filter(|place| applied && matches!(place, Place::Shared { .. })) {
            let expected = operation.demanded_at(place);
            if let Some(other) = winners.insert((place, expected), operation.id) {
                let of = expected.map_or("no value".into(), |id| format!("the value of {id}"));
                verdict.report(
                    FindingKind::GuardsBroken,
                    format!(
                        "operations {other} and {} both took the place of {of} at {place}",
                        operation.id
                    ),
                );
            }
        }
    }
}

fn check_refusals(history: &History, evidence: &Evidence, verdict: &mut Verdict) {
    for record in history
        .records()
        .filter(|record| !record.may_have_applied())
    {
        if let Some(why) = evidence.shows(record.operation.id) {
            verdict.report(
                FindingKind::GuardsBroken,
                format!("operation {} was refused, but {why}", record.operation.id),
            );
        }
    }
}
