//! What a store may hold, given what it has answered so far.

use std::sync::Arc;

use bytes::Bytes;
use storage_core::{Mutation, OwnedKey, Timestamp};

use crate::{CaseResult, Failure, model::oracle::Oracle};

/// The states that the answers so far allow.
#[derive(Clone, Debug, Default)]
pub(super) struct Belief {
    states: Vec<State>,
}

/// One of them: what the store holds, and which commits may yet take effect.
#[derive(Clone, Debug, Default)]
struct State {
    oracle: Oracle,
    pending: Vec<Arc<Change>>,
}

/// A commit as it was asked for. Histories write no value twice, so a stamp is
/// as good as the value it was read with.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) conditions: Vec<Condition>,
    pub(super) mutations: Vec<Mutation>,
}

#[derive(Debug)]
pub(super) enum Condition {
    Absent(OwnedKey),
    Present(OwnedKey),
    Value(OwnedKey, Bytes),
}

impl Belief {
    /// That the store is empty.
    pub(super) fn of_an_empty_store() -> Self {
        Self {
            states: vec![State::default()],
        }
    }

    /// How many states are possible.
    pub(super) fn width(&self) -> usize {
        self.states.len()
    }

    /// Whether a commit may yet take effect.
    pub(super) fn has_pending(&self) -> bool {
        self.states.iter().any(|state| !state.pending.is_empty())
    }

    /// A value that `key` may have.
    pub(super) fn guess(&self, key: &OwnedKey, now: Timestamp) -> Option<Bytes> {
        let row = self.states.first()?.oracle.live(key, now)?;
        Some(row.value.clone())
    }

    /// Keeps the states that agree with what was seen.
    ///
    /// # Errors
    /// Why the last one disagrees, if none agrees.
    pub(super) fn see(
        &mut self,
        now: Timestamp,
        agrees: impl Fn(&Oracle) -> CaseResult,
    ) -> CaseResult {
        self.let_pending_happen(now);
        let possible = self.states.len();
        let mut disagreement = None;
        self.states.retain(|state| match agrees(&state.oracle) {
            Ok(()) => true,
            Err(failure) => {
                disagreement = Some(failure);
                false
            }
        });
        match disagreement {
            Some(failure) if self.states.is_empty() => Err(failure.within(format!(
                "of the {possible} states that the answers so far allow, none agrees with this \
                 one; the last of them disagrees"
            ))),
            _ => Ok(()),
        }
    }

    /// Checks that some state agrees with what was seen, at some instant.
    pub(super) fn allows(
        &self,
        now: Timestamp,
        agrees: impl Fn(&Oracle) -> CaseResult,
    ) -> CaseResult {
        self.clone().see(now, agrees)
    }

    /// The commit was answered.
    pub(super) fn committed(&mut self, change: &Change, now: Timestamp) -> CaseResult {
        self.see(now, |oracle| change.applies_to(oracle, now))?;
        for state in &mut self.states {
            change.apply_to(&mut state.oracle);
        }
        self.drop_duplicates();
        Ok(())
    }

    /// The commit met a guard that did not hold.
    pub(super) fn conflicted(&mut self, change: &Change, now: Timestamp) -> CaseResult {
        self.see(now, |oracle| match change.applies_to(oracle, now) {
            Ok(()) => Err(Failure::new("a conflict, though every guard holds")),
            Err(_) => Ok(()),
        })
    }

    /// Nobody knows whether the commit was applied, or will be.
    pub(super) fn unknown(&mut self, change: Change) {
        let change = Arc::new(change);
        for state in &mut self.states {
            state.pending.push(Arc::clone(&change));
        }
    }

    /// What has not taken effect until now never will.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.let_pending_happen(now);
        for state in &mut self.states {
            state.pending.clear();
        }
        self.drop_duplicates();
    }

    /// Adds every state that pending commits can have led to until now.
    pub(super) fn let_pending_happen(&mut self, now: Timestamp) {
        let mut reached = 0;
        while let Some(state) = self.states.get(reached).cloned() {
            reached += 1;
            for (index, change) in state.pending.iter().enumerate() {
                if change.applies_to(&state.oracle, now).is_ok() {
                    let mut next = state.clone();
                    next.pending.remove(index);
                    change.apply_to(&mut next.oracle);
                    if !self.states.iter().any(|known| known.is_same(&next)) {
                        self.states.push(next);
                    }
                }
            }
        }
    }

    fn drop_duplicates(&mut self) {
        let mut distinct: Vec<State> = Vec::new();
        for state in self.states.drain(..) {
            if !distinct.iter().any(|known| known.is_same(&state)) {
                distinct.push(state);
            }
        }
        self.states = distinct;
    }
}

impl State {
    fn is_same(&self, other: &Self) -> bool {
        let mut pending = self.pending.iter().zip(&other.pending);
        self.pending.len() == other.pending.len()
            && pending.all(|(one, another)| Arc::ptr_eq(one, another))
            && self.oracle.holds_the_same_as(&other.oracle)
    }
}

impl Change {
    /// Whether every condition holds.
    fn applies_to(&self, oracle: &Oracle, now: Timestamp) -> CaseResult {
        for condition in &self.conditions {
            let holds = match condition {
                Condition::Absent(key) => oracle.live(key, now).is_none(),
                Condition::Present(key) => oracle.live(key, now).is_some(),
                Condition::Value(key, value) => {
                    oracle.live(key, now).is_some_and(|row| row.value == *value)
                }
            };
            if !holds {
                return Err(Failure::new(format!(
                    "a commit was applied, though {condition:?} does not hold"
                )));
            }
        }
        Ok(())
    }

    fn apply_to(&self, oracle: &mut Oracle) {
        for mutation in &self.mutations {
            oracle.apply(mutation.clone(), None);
        }
    }
}
