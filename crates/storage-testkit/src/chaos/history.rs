//! What was done and seen, and when.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use storage_core::{Entry, Support};

use super::place::Place;
use crate::proof::{Content, OperationId, Signature};

/// Names an attempt to write.
pub(super) type Id = OperationId;

/// When something began and was over, since the beginning of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) began: Duration,
    pub(super) ended: Duration,
}

impl Span {
    pub(super) fn length(self) -> Duration {
        self.ended.saturating_sub(self.began)
    }

    pub(super) fn covers(self, other: Self) -> bool {
        self.began <= other.began && other.ended <= self.ended
    }
}

/// One clock for all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> Duration {
        self.0.elapsed()
    }
}

/// One put of a value that no other attempt puts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) id: Id,
    pub(super) place: Place,
    pub(super) basis: Basis,
    pub(super) span: Span,
    pub(super) answer: Answer,
}

/// What a guard lets a put be built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// Anything.
    Anything,
    /// Nothing, or the value of another attempt.
    Only(Option<Id>),
}

/// What became of an attempt, as the store says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Acknowledged,
    NotApplied,
    Unknown,
}

/// A read that was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    pub(super) place: Place,
    pub(super) span: Span,
    pub(super) seen: Seen,
}

/// What a read showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    Value(Id),
    /// A value that no attempt wrote; why.
    Foreign(&'static str),
}

impl Seen {
    pub(super) fn of(entry: Option<&Entry>) -> Self {
        match entry.map(|entry| Content::of_entry(entry, Support::Unsupported)) {
            None => Self::Nothing,
            Some(Content::Signed(signature)) => Self::Value(signature.operation),
            Some(Content::Blank) => Self::Foreign("it is empty"),
            Some(Content::Damaged(why)) => Self::Foreign(why),
        }
    }
}

/// The signature in the value of an attempt.
pub(super) fn signature(attempt: Id) -> Signature {
    Signature {
        round: 0,
        operation: attempt,
        change: 0,
    }
}

/// What a task, or all of them, did and saw.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) attempts: Vec<Attempt>,
    pub(super) sightings: Vec<Sighting>,
    /// How often calls failed in which way, and with what the first did.
    pub(super) failures: BTreeMap<String, (u64, String)>,
    /// Failures that no fault of a server excuses.
    pub(super) inexcusable: Vec<String>,
    /// The longest that any call took.
    pub(super) longest_call: Duration,
}

impl History {
    pub(super) fn add(&mut self, other: Self) {
        self.attempts.extend(other.attempts);
        self.sightings.extend(other.sightings);
        for (kind, (count, example)) in other.failures {
            self.failures.entry(kind).or_insert((0, example)).0 += count;
        }
        self.inexcusable.extend(other.inexcusable);
        self.longest_call = self.longest_call.max(other.longest_call);
    }
}
