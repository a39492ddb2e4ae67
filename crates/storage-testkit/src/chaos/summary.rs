//! The counts of a campaign: its last line.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::{
    director::Played,
    history::{Answer, Attempt},
    judge::Verdict,
};
use crate::proof::is_zero;

/// What a machine with much to do may add to the longest call.
const LATE: Duration = Duration::from_secs(1);

/// What a campaign counted.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    engine: &'static str,
    acknowledged: u64,
    lost: u64,
    misreported: u64,
    longest_call_ms: u64,
    recovery_ms: u64,
    /// Left out where there is none, as is the next.
    #[serde(skip_serializing_if = "is_zero")]
    foreign: u64,
    #[serde(skip_serializing_if = "is_zero")]
    failed: u64,
    #[serde(skip)]
    time_limit: Duration,
    #[serde(skip)]
    unknown: u64,
    #[serde(skip)]
    attempts_cut_off: u64,
    /// The longest time in which nothing could be sent.
    #[serde(skip)]
    cut_off: Duration,
    #[serde(skip)]
    faults: u64,
}

impl Summary {
    pub(super) const fn new(engine: &'static str, time_limit: Duration) -> Self {
        Self {
            engine,
            acknowledged: 0,
            lost: 0,
            misreported: 0,
            longest_call_ms: 0,
            recovery_ms: 0,
            foreign: 0,
            failed: 0,
            time_limit,
            unknown: 0,
            attempts_cut_off: 0,
            cut_off: Duration::ZERO,
            faults: 0,
        }
    }

    pub(super) fn count(&mut self, attempts: &[Attempt], verdict: &Verdict) {
        let counted = |answer| {
            let counted = attempts.iter().filter(|attempt| attempt.answer == answer);
            whole(counted.count())
        };
        self.acknowledged = counted(Answer::Acknowledged);
        self.unknown = counted(Answer::Unknown);
        self.lost = whole(verdict.lost.len());
        self.misreported = whole(verdict.misreported.len());
        self.foreign = verdict.foreign;
        self.attempts_cut_off = verdict.attempts_cut_off;
    }

    pub(super) fn played(&mut self, played: &Played) {
        self.faults = played.faults;
        let cut_off = played.cut_off.iter().map(|span| span.length());
        self.cut_off = cut_off.max().unwrap_or_default();
        self.recovery_ms = milliseconds(played.recovery);
    }

    pub(super) fn calls(&mut self, longest: Duration, failed: usize) {
        self.longest_call_ms = milliseconds(longest);
        self.failed = whole(failed);
    }

    /// What keeps it from having proved anything, or from being well, beside
    /// what is counted.
    pub(super) fn gap(&self) -> Option<String> {
        if self.acknowledged == 0 || self.faults == 0 {
            return Some(
                "nothing was acknowledged, or nothing happened: nothing was proved".into(),
            );
        }
        // An attempt takes as long as the time limit, and one follows the other.
        if self.cut_off > self.time_limit + LATE && self.attempts_cut_off == 0 {
            return Some(
                "no attempt was made while nothing could be sent: nothing was proved of those"
                    .into(),
            );
        }
        let most = milliseconds(self.time_limit + LATE);
        (self.longest_call_ms > most).then(|| {
            format!(
                "the longest call took {} ms, where the store has a limit of {} ms",
                self.longest_call_ms,
                self.time_limit.as_millis()
            )
        })
    }

    /// Whether all was put to the test and nothing was wrong.
    pub(super) fn is_clean(&self) -> bool {
        self.gap().is_none()
            && self.lost == 0
            && self.misreported == 0
            && self.foreign == 0
            && self.failed == 0
    }

    #[cfg(test)]
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    #[cfg(test)]
    pub(super) const fn misreported(&self) -> u64 {
        self.misreported
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: of {} values acknowledged through {} faults {} were lost, and {} attempts misreported; \
             {} remained unknown, {} were made while nothing could be sent; \
             {} values foreign, {} failures; \
             the longest call took {} ms of {} ms, the longest recovery {} ms",
            self.engine,
            self.acknowledged,
            self.faults,
            self.lost,
            self.misreported,
            self.unknown,
            self.attempts_cut_off,
            self.foreign,
            self.failed,
            self.longest_call_ms,
            self.time_limit.as_millis(),
            self.recovery_ms,
        )
    }
}

/// Rounded up: a limit that was passed is not hidden.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(3);

    fn summary(acknowledged: u64, faults: u64, longest: Duration) -> Summary {
        let mut summary = Summary::new("some", LIMIT);
        summary.acknowledged = acknowledged;
        summary.faults = faults;
        summary.calls(longest, 0);
        summary
    }

    #[test]
    fn the_last_line_has_its_known_keys_only() {
        let mut summary = summary(9, 1, Duration::from_micros(1_001));
        summary.recovery_ms = 7;
        assert_eq!(
            serde_json::to_string(&summary).unwrap(),
            r#"{"engine":"some","acknowledged":9,"lost":0,"misreported":0,"longest_call_ms":2,"recovery_ms":7}"#
        );
    }

    #[test]
    fn nothing_is_proved_where_nothing_was_acknowledged_or_happened() {
        assert!(summary(9, 1, LIMIT).is_clean());
        assert!(!summary(0, 1, LIMIT).is_clean());
        assert!(!summary(9, 0, LIMIT).is_clean());
        let mut idle = summary(9, 1, LIMIT);
        idle.cut_off = LIMIT + LATE;
        assert!(idle.is_clean());
        idle.cut_off += Duration::from_millis(1);
        assert!(!idle.is_clean());
        idle.attempts_cut_off = 1;
        assert!(idle.is_clean());
    }

    #[test]
    fn a_call_may_not_outlast_the_time_limit_by_more_than_a_busy_machine_adds() {
        assert!(summary(9, 1, LIMIT + LATE).is_clean());
        assert!(!summary(9, 1, LIMIT + LATE + Duration::from_millis(1)).is_clean());
    }
}
