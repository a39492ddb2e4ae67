//! The counts of a campaign: its last line.

use std::fmt;

use serde::Serialize;

use crate::proof::{FindingKind, Verdict};

/// What all rounds together found.
#[derive(Clone, Debug, Serialize)]
pub(in crate::proof) struct Summary {
    engine: &'static str,
    rounds: u64,
    acknowledged: u64,
    lost: u64,
    torn: u64,
    unordered: u64,
    guards_broken: u64,
    /// Left out where there is none, as is the next.
    #[serde(skip_serializing_if = "is_zero")]
    foreign: u64,
    #[serde(skip_serializing_if = "is_zero")]
    failed: u64,
}

impl Summary {
    pub(in crate::proof) const fn of(engine: &'static str) -> Self {
        Self {
            engine,
            rounds: 0,
            acknowledged: 0,
            lost: 0,
            torn: 0,
            unordered: 0,
            guards_broken: 0,
            foreign: 0,
            failed: 0,
        }
    }

    pub(in crate::proof) fn add(&mut self, verdict: &Verdict) {
        self.rounds += 1;
        self.acknowledged += verdict.acknowledged;
        self.lost += verdict.count(FindingKind::Lost);
        self.torn += verdict.count(FindingKind::Torn);
        self.unordered += verdict.count(FindingKind::Unordered);
        self.guards_broken += verdict.count(FindingKind::GuardsBroken);
        self.foreign += verdict.count(FindingKind::Foreign);
        self.failed += verdict.count(FindingKind::Failed);
    }

    /// Whether there was nothing that could have been lost.
    pub(in crate::proof) const fn is_vacuous(&self) -> bool {
        self.acknowledged == 0
    }

    /// Whether something was acknowledged and nothing was wrong.
    pub(in crate::proof) const fn is_clean(&self) -> bool {
        !self.is_vacuous()
            && self.lost == 0
            && self.torn == 0
            && self.unordered == 0
            && self.guards_broken == 0
            && self.foreign == 0
            && self.failed == 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: of {} operations acknowledged in {} rounds {} were lost, {} torn and {} out of order; \
             {} guards were broken, {} values foreign; {} failures",
            self.engine,
            self.acknowledged,
            self.rounds,
            self.lost,
            self.torn,
            self.unordered,
            self.guards_broken,
            self.foreign,
            self.failed,
        )
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}
