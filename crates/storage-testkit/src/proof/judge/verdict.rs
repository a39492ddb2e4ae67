//! What the judge says.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{History, Promise, Record};
use crate::proof::{Condition, Place};

/// What a store did wrong, described.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What kind of wrong.
    pub kind: FindingKind,
    /// What was expected and what was found.
    pub description: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.description)
    }
}

/// What kind of wrong a store did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// What had to survive did not.
    Lost,
    /// An operation survived in part.
    Torn,
    /// An operation survived, and one before it did not; or sequences that
    /// contradict the order of commits.
    Unordered,
    /// A commit was applied against its guards, or refused in spite of them.
    GuardsBroken,
    /// Something is there that no operation wrote.
    Foreign,
    /// The store could not be opened or read; or it panicked, hung, failed to
    /// answer, or promised less than it was asked for.
    Failed,
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "lost",
            Self::Torn => "torn",
            Self::Unordered => "unordered",
            Self::GuardsBroken => "guards broken",
            Self::Foreign => "foreign",
            Self::Failed => "failed",
        })
    }
}

/// What the judge says of one death.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// How many operations were acknowledged, and had to survive for it.
    pub acknowledged: u64,
    /// How its compare-and-swaps on shared keys went.
    pub swaps: Swaps,
    /// What is wrong; nothing if the store kept its promises.
    pub findings: Vec<Finding>,
}

impl Verdict {
    pub(super) fn of(history: &History, promise: Promise) -> Self {
        let acknowledged = history
            .records()
            .filter_map(Record::durability)
            .filter(|given| *given >= promise.survives)
            .count();
        Self {
            acknowledged: u64::try_from(acknowledged).unwrap_or(u64::MAX),
            swaps: Swaps::of(history),
            findings: Vec::new(),
        }
    }

    /// How many findings are of `kind`.
    #[must_use]
    pub fn count(&self, kind: FindingKind) -> u64 {
        let of_kind = self.findings.iter().filter(|finding| finding.kind == kind);
        u64::try_from(of_kind.count()).unwrap_or(u64::MAX)
    }

    pub(in crate::proof) fn report(&mut self, kind: FindingKind, description: String) {
        self.findings.push(Finding { kind, description });
    }
}

/// Compare-and-swaps on shared keys. Which of them wins is not known, but one
/// of those that contend must.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swaps {
    /// How many were begun.
    pub begun: u64,
    /// How many of them were acknowledged.
    pub won: u64,
}

impl Swaps {
    fn of(history: &History) -> Self {
        let mut swaps = Self::default();
        for record in history.records() {
            let mut places = record.operation.conditions.iter().map(Condition::place);
            if places.any(|place| matches!(place, Place::Shared { .. })) {
                swaps.begun += 1;
                swaps.won += u64::from(record.durability().is_some());
            }
        }
        swaps
    }

    pub(in crate::proof) const fn add(&mut self, other: Self) {
        self.begun += other.begun;
        self.won += other.won;
    }
}
