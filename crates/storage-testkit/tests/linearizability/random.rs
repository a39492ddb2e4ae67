//! Random histories of a map in memory, and random damage to them.

use std::collections::BTreeMap;

use storage_testkit::{
    linearizability::{
        ClientId, Condition, History, Moment, Operation,
        OperationKind::{Commit, CompareAndSwap, Get, Page},
    },
    storage_core::SeededRandom,
};

use crate::at;

const KEYS: [&str; 3] = ["a", "b", "c"];

/// Makes the choices of one history.
pub(crate) struct Choices(SeededRandom);

impl Choices {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeededRandom::new(seed))
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    fn key(&self) -> &'static str {
        KEYS[usize::try_from(self.below(3)).unwrap()]
    }

    /// Few values, so that several orders explain a read.
    fn value(&self, unlike: u64) -> String {
        match self.below(3) {
            0 => "same".to_owned(),
            _ => unlike.to_string(),
        }
    }
}

/// A history that is right: each operation takes effect on a map at one instant,
/// and its call and answer lie around it. One change in `unanswered` is never
/// answered, and half of these never take effect.
pub(crate) fn legal(choices: &Choices, count: u64, spread: u64, unanswered: u64) -> History {
    let mut map = BTreeMap::<&str, String>::new();
    let mut operations = Vec::new();
    for number in 0..count {
        let instant = 1_000 + number * 10;
        let called = at(instant - choices.below(spread));
        let answered = at(instant + choices.below(spread));
        let client = ClientId::new(u32::try_from(number).unwrap());
        let mut operation = drawn(choices, &map, client, called, answered, number);
        if !operation.only_reads() && choices.below(unanswered) == 0 {
            operation.answered = None;
            if choices.below(2) == 0 {
                operations.push(operation);
                continue;
            }
        }
        for (key, value) in &operation.changes {
            let key = KEYS.into_iter().find(|name| name == key).unwrap();
            match value {
                Some(value) => map.insert(key, value.clone()),
                None => map.remove(key),
            };
        }
        operations.push(operation);
    }
    operations.into_iter().collect()
}

fn drawn(
    choices: &Choices,
    map: &BTreeMap<&str, String>,
    client: ClientId,
    called: Moment,
    answered: Moment,
    number: u64,
) -> Operation {
    let of = |kind| Operation::answered(client, kind, called, answered);
    let seen = |key: &str| map.get(key).map(String::as_str);
    let key = choices.key();
    match choices.below(8) {
        0..2 => of(Get).saw(key, seen(key)),
        2 => {
            let page = KEYS.into_iter();
            page.fold(of(Page), |page, key| page.saw(key, seen(key)))
        }
        3 => of(CompareAndSwap)
            .saw(key, seen(key))
            .put(key, choices.value(number)),
        4 => of(Commit).delete(key),
        5 => {
            let value = choices.value(number);
            of(Commit).put(key, value.clone()).put(choices.key(), value)
        }
        6 => {
            let holds = [
                Condition::Absent,
                Condition::Present,
                Condition::IsNot("same".into()),
            ]
            .into_iter()
            .find(|condition| match condition {
                Condition::Absent => seen(key).is_none(),
                Condition::Present => seen(key).is_some() && number.is_multiple_of(2),
                _ => seen(key) != Some("same"),
            });
            let condition = holds.unwrap_or(Condition::Present);
            of(Commit)
                .when(key, condition)
                .put(choices.key(), choices.value(number))
        }
        _ => of(Commit).put(key, choices.value(number)),
    }
}

/// The history with something changed: it may be right all the same.
pub(crate) fn perturbed(choices: &Choices, history: &History) -> History {
    let mut operations = history.operations().to_vec();
    let count = u64::try_from(operations.len()).unwrap();
    for _ in 0..=choices.below(2) {
        let at_random = || usize::try_from(choices.below(count)).unwrap();
        let (one, other) = (at_random(), at_random());
        match choices.below(6) {
            0 => {
                let conditions = operations[other].conditions.clone();
                operations[one].conditions = conditions;
            }
            1 => {
                let (called, answered) = (operations[other].called, operations[other].answered);
                operations[one].called = called;
                operations[one].answered = answered;
            }
            2 => operations[one].changes.clear(),
            3 => {
                for (_, condition) in &mut operations[one].conditions {
                    *condition = condition.negated();
                }
            }
            4 => {
                // Answered at once: less may have come before.
                operations[one].answered = Some(operations[one].called);
            }
            _ => operations[one].called = operations[one].answered.unwrap_or(at(1)),
        }
    }
    operations.into_iter().collect()
}
