//! Our own judge: a search through the orders, deepest first, that never goes on
//! from a point twice.

use std::collections::{BTreeMap, HashMap};

use super::Dispute;
use crate::linearizability::{Condition, History, Moment, Operation};

/// What the search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Linearizable,
    Stuck(Box<Dispute>),
    Undecided,
}

impl Outcome {
    pub(super) fn is_explained(&self) -> bool {
        *self == Self::Linearizable
    }
}

/// A search through the orders of one history.
#[derive(Debug)]
pub(super) struct Search<'a> {
    /// Those answered first come first, open ones last.
    operations: Vec<&'a Operation>,
    /// How many of them were answered.
    answered: usize,
}

/// How far an order has come: which operations are in it, and what they leave.
#[derive(Clone, Debug)]
struct Point<'a> {
    /// By the places of the operations in the search.
    placed: Vec<bool>,
    state: State<'a>,
}

/// The value of each key.
type State<'a> = BTreeMap<&'a str, &'a str>;

/// The points that the search went on from.
#[derive(Debug, Default)]
struct Visited<'a> {
    /// The open operations that were placed, by the answered ones that were and
    /// by the state.
    open: HashMap<(Vec<bool>, State<'a>), Vec<Vec<bool>>>,
    count: usize,
}

impl<'a> Search<'a> {
    /// After looking at so many points, the search gives up.
    const POINTS_MAX: usize = 200_000;

    pub(super) fn new(history: &'a History) -> Self {
        let mut operations: Vec<_> = history.operations().iter().collect();
        operations.sort_by_key(|operation| deadline(operation));
        let answered = operations
            .iter()
            .filter(|operation| operation.answered.is_some());
        let answered = answered.count();
        Self {
            operations,
            answered,
        }
    }

    pub(super) fn run(&self) -> Outcome {
        let mut visited = Visited::default();
        let mut ahead = vec![Point {
            placed: vec![false; self.operations.len()],
            state: BTreeMap::new(),
        }];
        let mut furthest: Option<(Point<'a>, &Operation)> = None;
        while let Some(mut point) = ahead.pop() {
            self.place_reads(&mut point);
            if !visited.insert(&point, self.answered) {
                continue;
            }
            // Whatever is open may never have happened.
            let Some(next) = self.next_deadline(&point) else {
                return Outcome::Linearizable;
            };
            if furthest
                .as_ref()
                .is_none_or(|(_, other)| deadline(next) > deadline(other))
            {
                furthest = Some((point.clone(), next));
            }
            if visited.count >= Self::POINTS_MAX {
                return Outcome::Undecided;
            }
            let following = self.candidates(&point, deadline(next));
            ahead.extend(
                following
                    .into_iter()
                    .rev()
                    .map(|index| self.place(&point, index)),
            );
        }
        furthest.map_or(Outcome::Linearizable, |(point, operation)| {
            Outcome::Stuck(Box::new(Dispute {
                operation: operation.clone(),
                state: owned(&point.state),
            }))
        })
    }

    /// Places every read that may come next and holds. It changes nothing, so
    /// no order is lost by taking it now.
    fn place_reads(&self, point: &mut Point<'a>) {
        while let Some(next) = self.next_deadline(point) {
            let candidates = self.candidates(point, deadline(next)).into_iter();
            let reads: Vec<_> = candidates
                .filter(|index| {
                    let operation = self.operations.get(*index);
                    operation.is_some_and(|operation| operation.only_reads())
                })
                .collect();
            if reads.is_empty() {
                break;
            }
            for index in reads {
                point.mark(index);
            }
        }
    }

    /// The operation without a place that was answered first.
    fn next_deadline(&self, point: &Point<'_>) -> Option<&'a Operation> {
        let mut left = self.operations.iter().zip(&point.placed);
        left.find(|(_, placed)| !**placed)
            .map(|(operation, _)| *operation)
            .filter(|operation| operation.answered.is_some())
    }

    /// The operations that may come next, since none without a place was
    /// answered before they were called, and whose conditions hold.
    fn candidates(&self, point: &Point<'a>, deadline: Moment) -> Vec<usize> {
        let numbered = (0..).zip(self.operations.iter().zip(&point.placed));
        numbered
            .filter(|(_, (operation, placed))| {
                !**placed && operation.called <= deadline && point.allows(operation)
            })
            .map(|(index, _)| index)
            .collect()
    }

    fn place(&self, point: &Point<'a>, index: usize) -> Point<'a> {
        let mut point = point.clone();
        point.mark(index);
        let changes = self
            .operations
            .get(index)
            .map(|operation| &operation.changes);
        for (key, value) in changes.into_iter().flatten() {
            match value {
                Some(value) => point.state.insert(key, value),
                None => point.state.remove(key.as_str()),
            };
        }
        point
    }
}

impl<'a> Visited<'a> {
    /// Remembers a point, unless the search went on from it, or from one that
    /// only has more open operations left: whatever follows from this one
    /// follows from that one.
    fn insert(&mut self, point: &Point<'a>, answered: usize) -> bool {
        let (answered, open) = point.placed.split_at(answered);
        let visited = self
            .open
            .entry((answered.to_vec(), point.state.clone()))
            .or_default();
        let has_less =
            |other: &Vec<bool>| other.iter().zip(open).all(|(other, this)| other <= this);
        if visited.iter().any(has_less) {
            return false;
        }
        visited.push(open.to_vec());
        self.count += 1;
        true
    }
}

impl Point<'_> {
    fn mark(&mut self, index: usize) {
        if let Some(placed) = self.placed.get_mut(index) {
            *placed = true;
        }
    }

    fn allows(&self, operation: &Operation) -> bool {
        operation.conditions.iter().all(|(key, condition)| {
            let value = self.state.get(key.as_str()).copied();
            match condition {
                Condition::Absent => value.is_none(),
                Condition::Present => value.is_some(),
                Condition::Is(expected) => value == Some(expected),
                Condition::IsNot(other) => value != Some(other),
            }
        })
    }
}

/// The instant by which an operation has taken effect.
fn deadline(operation: &Operation) -> Moment {
    operation
        .answered
        .unwrap_or(Moment::from_nanoseconds(u64::MAX))
}

fn owned(state: &State<'_>) -> BTreeMap<String, String> {
    let pair = |(key, value): (&&str, &&str)| ((*key).to_owned(), (*value).to_owned());
    state.iter().map(pair).collect()
}
