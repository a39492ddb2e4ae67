//! The library's judge: Wing and Gong's algorithm with Lowe's memory of what was
//! tried, of the crate `todc-utils`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use todc_utils::{
    linearizability::{
        WGLChecker,
        history::{
            Action::{Call, Response},
            History as Actions,
        },
    },
    specifications::Specification,
};

use crate::linearizability::{Condition, History, Moment};

/// Whether some order of the operations explains every answer.
pub(super) fn is_linearizable(history: &History) -> bool {
    if history.operations().is_empty() {
        return true;
    }
    let mut numbers = Numbers::default();
    let mut actions = Vec::new();
    for (process, operation) in history.operations().iter().enumerate() {
        let transition = Arc::new(Transition {
            conditions: numbers.conditions(&operation.conditions),
            changes: numbers.changes(&operation.changes),
            is_open: operation.answered.is_none(),
        });
        // An operation that takes effect after everything else was answered has
        // in effect never happened, so an open end is an answer at the end.
        let end = operation
            .answered
            .unwrap_or(Moment::from_nanoseconds(u64::MAX));
        let call = (process, Call(Arc::clone(&transition)));
        actions.push((operation.called, Edge::Call, call));
        actions.push((end, Edge::Response, (process, Response(transition))));
    }
    // At the same instant, calls come first: such operations are concurrent.
    actions.sort_by_key(|(moment, edge, _)| (*moment, *edge));
    let actions = actions.into_iter().map(|(_, _, action)| action).collect();
    WGLChecker::<Map>::is_linearizable(Actions::from_actions(actions))
}

/// One end of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Edge {
    Call,
    Response,
}

/// The specification: a map from numbers to numbers.
struct Map;

/// An operation, in numbers.
#[derive(Debug)]
struct Transition {
    conditions: Vec<(usize, Required)>,
    changes: Vec<(usize, Option<usize>)>,
    is_open: bool,
}

/// A condition, in numbers.
#[derive(Clone, Copy, Debug)]
enum Required {
    Exactly(Option<usize>),
    AnythingBut(Option<usize>),
}

impl Specification for Map {
    type State = BTreeMap<usize, usize>;
    type Operation = Arc<Transition>;

    fn init() -> Self::State {
        BTreeMap::new()
    }

    fn apply(operation: &Self::Operation, state: &Self::State) -> (bool, Self::State) {
        let holds = |(key, required): &(usize, Required)| match required {
            Required::Exactly(value) => state.get(key) == value.as_ref(),
            Required::AnythingBut(value) => state.get(key) != value.as_ref(),
        };
        if !operation.conditions.iter().all(holds) {
            return (operation.is_open, state.clone());
        }
        let mut after = state.clone();
        for (key, value) in &operation.changes {
            match value {
                Some(value) => after.insert(*key, *value),
                None => after.remove(key),
            };
        }
        (true, after)
    }
}

/// The number of each key and each value.
#[derive(Debug, Default)]
struct Numbers<'a>(HashMap<&'a str, usize>);

impl<'a> Numbers<'a> {
    fn of(&mut self, text: &'a str) -> usize {
        let next = self.0.len();
        *self.0.entry(text).or_insert(next)
    }

    fn conditions(&mut self, conditions: &'a [(String, Condition)]) -> Vec<(usize, Required)> {
        let mut numbered = Vec::new();
        for (key, condition) in conditions {
            let required = match condition {
                Condition::Absent => Required::Exactly(None),
                Condition::Present => Required::AnythingBut(None),
                Condition::Is(value) => Required::Exactly(Some(self.of(value))),
                Condition::IsNot(value) => Required::AnythingBut(Some(self.of(value))),
            };
            numbered.push((self.of(key), required));
        }
        numbered
    }

    fn changes(&mut self, changes: &'a [(String, Option<String>)]) -> Vec<(usize, Option<usize>)> {
        let mut numbered = Vec::new();
        for (key, value) in changes {
            let value = value.as_deref().map(|value| self.of(value));
            numbered.push((self.of(key), value));
        }
        numbered
    }
}
