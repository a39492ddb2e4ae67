//! Keys that one task writes, one attempt after the other.

use std::time::Duration;

use super::{Facts, Verdict};
use crate::chaos::history::{Answer, Attempt, Id, Seen, Span};

/// What was seen must be the last that was acknowledged by then, or one that was
/// attempted since. What is said not to be applied is another matter.
pub(super) fn judge(facts: &Facts<'_>, verdict: &mut Verdict) {
    for sighting in &facts.sightings {
        let seen = match sighting.seen {
            Seen::Value(id) => Some(id),
            _ => None,
        };
        let how = "was not there when it was read at ";
        let how = format!("{how}{:?}", sighting.span.began);
        look(facts, sighting.span, seen, &how, verdict);
    }
    let end = Span {
        began: Duration::MAX,
        ended: Duration::MAX,
    };
    look(facts, end, facts.left, "is not there at the end", verdict);
}

fn look(facts: &Facts<'_>, span: Span, seen: Option<Id>, how: &str, verdict: &mut Verdict) {
    let attempts = &facts.attempts;
    let is_due = |attempt: &&Attempt| {
        attempt.answer == Answer::Acknowledged && attempt.span.ended <= span.began
    };
    let Some(due) = attempts.iter().rposition(is_due) else {
        return;
    };
    let since = attempts.iter().skip(due);
    let mut may_be_seen = since.filter(|attempt| attempt.span.began <= span.ended);
    if let Some(due) = attempts.get(due)
        && !may_be_seen.any(|attempt| Some(attempt.id) == seen)
    {
        verdict.lost(due, how);
    }
}
