//! The counts of a campaign: its last line.

use std::fmt;

use serde::Serialize;

use crate::proof::{FindingKind, Swaps, Verdict};

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
    #[serde(skip)]
    swaps: Swaps,
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
            swaps: Swaps { begun: 0, won: 0 },
        }
    }

    pub(in crate::proof) fn add(&mut self, verdict: &Verdict) {
        self.rounds += 1;
        self.acknowledged += verdict.acknowledged;
        self.swaps.add(verdict.swaps);
        self.lost += verdict.count(FindingKind::Lost);
        self.torn += verdict.count(FindingKind::Torn);
        self.unordered += verdict.count(FindingKind::Unordered);
        self.guards_broken += verdict.count(FindingKind::GuardsBroken);
        self.foreign += verdict.count(FindingKind::Foreign);
        self.failed += verdict.count(FindingKind::Failed);
    }

    /// What was not put to the test, however little was wrong; `None` if all
    /// was.
    pub(in crate::proof) const fn gap(&self) -> Option<&'static str> {
        if self.acknowledged == 0 {
            Some("nothing that had to survive was acknowledged, so nothing was proved")
        } else if self.swaps.begun > 0 && self.swaps.won == 0 {
            Some("no compare-and-swap succeeded, though guards are declared; some must")
        } else {
            None
        }
    }

    /// Whether all was put to the test and nothing was wrong.
    pub(in crate::proof) const fn is_clean(&self) -> bool {
        self.gap().is_none()
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
pub(crate) const fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(acknowledged: u64, begun: u64, won: u64) -> Summary {
        let mut summary = Summary::of("some");
        summary.add(&Verdict {
            acknowledged,
            swaps: Swaps { begun, won },
            findings: Vec::new(),
        });
        summary
    }

    #[test]
    fn a_campaign_without_acknowledgements_proves_nothing() {
        assert!(!summary(0, 3, 1).is_clean());
    }

    #[test]
    fn a_campaign_in_which_every_swap_is_refused_is_not_clean() {
        assert!(!summary(9, 3, 0).is_clean());
        assert!(summary(9, 3, 1).is_clean());
        assert!(summary(9, 0, 0).is_clean());
    }

    #[test]
    fn the_last_line_has_its_known_keys_only() {
        assert_eq!(
            serde_json::to_string(&summary(9, 3, 1)).unwrap(),
            r#"{"engine":"some","rounds":1,"acknowledged":9,"lost":0,"torn":0,"unordered":0,"guards_broken":0}"#
        );
    }
}
