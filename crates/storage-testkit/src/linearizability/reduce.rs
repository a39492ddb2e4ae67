//! Reducing a history that no order explains to what it takes to see that.
//!
//! Each reduction only allows more orders than before, so what is left is wrong
//! for the same reason as the whole.

use storage_core::ReadSupport;

use super::{Condition, History, Operation, judge};

/// The shortest beginning of `history` that is rejected, without the keys,
/// operations and conditions that it does not take.
pub(super) fn reduced(history: &History, reads: ReadSupport) -> History {
    let mut left = shortest_prefix(history, reads);
    let keep_if_rejected = |left: &mut History, smaller: History| {
        if judge::dispute(&smaller, reads).is_some() {
            *left = smaller;
        }
    };
    for key in keys(&left) {
        let smaller = without(&left, |other, _| *other == key, |other| *other == key);
        keep_if_rejected(&mut left, smaller);
    }
    // From the end on, so that the places of what comes before stay.
    for place in (0..left.operations().len()).rev() {
        let operation = left.operations().get(place);
        if operation.is_some_and(Operation::only_reads) {
            let smaller = without_operation(&left, place);
            keep_if_rejected(&mut left, smaller);
        }
    }
    for (key, condition) in conditions(&left) {
        let smaller = without(
            &left,
            |other, told| *other == key && *told == condition,
            |_| false,
        );
        keep_if_rejected(&mut left, smaller);
    }
    for place in (0..left.operations().len()).rev() {
        let operation = left.operations().get(place);
        if operation.is_some_and(|operation| nobody_can_tell(operation, &left)) {
            let smaller = without_operation(&left, place);
            keep_if_rejected(&mut left, smaller);
        }
    }
    left
}

/// The history up to the first answer that cannot be explained. What extends a
/// rejected history is rejected too, so halving finds it.
fn shortest_prefix(history: &History, reads: ReadSupport) -> History {
    let operations = history.operations().iter();
    let mut ends: Vec<_> = operations
        .filter_map(|operation| operation.answered)
        .collect();
    ends.sort_unstable();
    let count = ends.partition_point(|end| judge::dispute(&history.until(*end), reads).is_none());
    match ends.get(count) {
        Some(end) => history.until(*end),
        None => history.clone(),
    }
}

fn keys(history: &History) -> Vec<String> {
    let mut keys: Vec<_> = history
        .operations()
        .iter()
        .flat_map(|operation| {
            let conditions = operation.conditions.iter().map(|(key, _)| key);
            conditions.chain(operation.changes.iter().map(|(key, _)| key))
        })
        .cloned()
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn conditions(history: &History) -> Vec<(String, Condition)> {
    let operations = history.operations().iter();
    operations
        .flat_map(|operation| operation.conditions.clone())
        .collect()
}

/// The history without some conditions and the changes of some keys, and without
/// the operations that then say nothing.
fn without(
    history: &History,
    is_condition: impl Fn(&String, &Condition) -> bool,
    is_changed: impl Fn(&String) -> bool,
) -> History {
    let operations = history.operations().iter().cloned();
    operations
        .map(|mut operation| {
            operation
                .conditions
                .retain(|(key, condition)| !is_condition(key, condition));
            operation.changes.retain(|(key, _)| !is_changed(key));
            operation
        })
        .filter(|operation| !operation.conditions.is_empty() || !operation.changes.is_empty())
        .collect()
}

fn without_operation(history: &History, place: usize) -> History {
    let numbered = (0..).zip(history.operations());
    numbered
        .filter(|(number, _)| *number != place)
        .map(|(_, operation)| operation.clone())
        .collect()
}

/// Whether nothing that is left could have looked at what an operation changed:
/// then no order becomes wrong by leaving it out.
fn nobody_can_tell(operation: &Operation, history: &History) -> bool {
    let all = || {
        let others = history.operations().iter();
        others.flat_map(|other| &other.conditions)
    };
    operation.changes.iter().all(|(changed, value)| {
        all()
            .filter(|(key, _)| key == changed)
            .all(|(_, condition)| match (condition, value) {
                (Condition::Is(seen), Some(value)) => seen != value,
                (Condition::Absent, Some(_)) | (Condition::Is(_) | Condition::Present, None) => {
                    true
                }
                (Condition::Present | Condition::IsNot(_), Some(_))
                | (Condition::Absent | Condition::IsNot(_), None) => false,
            })
    })
}
