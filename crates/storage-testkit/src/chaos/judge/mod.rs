//! Holds what was answered against what was seen.

mod register;
mod swaps;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use storage_core::ReadSupport;

use super::{
    history::{Answer, Attempt, Id, Seen, Sighting, Span},
    place::Place,
};

/// All that the judge knows.
#[derive(Debug)]
pub(super) struct Evidence {
    /// In each task's order.
    pub(super) attempts: Vec<Attempt>,
    pub(super) sightings: Vec<Sighting>,
    /// What is there at the end.
    pub(super) left: BTreeMap<Place, Seen>,
    /// When nothing could be sent to any server.
    pub(super) cut_off: Vec<Span>,
    /// Whether reads see all that was acknowledged before.
    pub(super) reads: ReadSupport,
}

/// What the judge found.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Acknowledged attempts whose value is gone, or was not there when it had to
    /// be.
    pub(super) lost: BTreeSet<Id>,
    /// Attempts that were said to be what they are not.
    pub(super) misreported: BTreeSet<Id>,
    /// How many values came from nobody.
    pub(super) foreign: u64,
    /// How many attempts were made while nothing could be sent.
    pub(super) attempts_cut_off: u64,
    /// All of this in words.
    pub(super) findings: Vec<String>,
}

impl Verdict {
    fn lost(&mut self, attempt: &Attempt, how: &str) {
        if self.lost.insert(attempt.id) {
            let Attempt {
                id, place, span, ..
            } = attempt;
            let at = span.ended;
            self.findings.push(format!(
                "lost: attempt {id} on {place}, acknowledged at {at:?}, {how}"
            ));
        }
    }

    fn misreported(&mut self, attempt: &Attempt, how: &str) {
        if self.misreported.insert(attempt.id) {
            let Attempt {
                id, place, span, ..
            } = attempt;
            let at = span.ended;
            self.findings.push(format!(
                "misreported: attempt {id} on {place}, answered at {at:?}, {how}"
            ));
        }
    }

    fn foreign(&mut self, place: Place, why: &str) {
        self.foreign += 1;
        self.findings
            .push(format!("foreign: a value on {place}: {why}"));
    }
}

/// All that concerns one key.
#[derive(Debug, Default)]
struct Facts<'a> {
    /// In the order in which they began.
    attempts: Vec<&'a Attempt>,
    sightings: Vec<&'a Sighting>,
    left: Option<Id>,
}

/// Judges a history.
pub(super) fn judge(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::default();
    let by_id: BTreeMap<_, _> = evidence
        .attempts
        .iter()
        .map(|attempt| (attempt.id, attempt))
        .collect();
    let mut places: BTreeMap<Place, Facts<'_>> = BTreeMap::new();
    for attempt in &evidence.attempts {
        let facts = places.entry(attempt.place).or_default();
        facts.attempts.push(attempt);
        unknown_without_reason(attempt, &evidence.cut_off, &mut verdict);
    }
    for sighting in &evidence.sightings {
        let place = sighting.place;
        if recognise(place, sighting.seen, &by_id, &mut verdict).is_some() {
            places.entry(place).or_default().sightings.push(sighting);
        }
    }
    for (place, seen) in &evidence.left {
        if let Some(seen) = recognise(*place, *seen, &by_id, &mut verdict) {
            places.entry(*place).or_default().left = seen;
        }
    }
    for (place, facts) in &mut places {
        facts.attempts.sort_by_key(|attempt| attempt.span.began);
        if evidence.reads != ReadSupport::Linearizable {
            facts.sightings.clear();
        }
        match place {
            Place::All(_) => swaps::judge(facts, &mut verdict),
            Place::Attempt(_) | Place::Task { .. } => register::judge(facts, &mut verdict),
        }
    }
    verdict
}

/// Nobody can be in doubt about what was never sent.
fn unknown_without_reason(attempt: &Attempt, cut_off: &[Span], verdict: &mut Verdict) {
    if !cut_off.iter().any(|cut_off| cut_off.covers(attempt.span)) {
        return;
    }
    verdict.attempts_cut_off += 1;
    if attempt.answer == Answer::Unknown {
        verdict.misreported(
            attempt,
            "is called unknown, while nothing could be sent from before it began until after it ended",
        );
    }
}

/// The attempt that wrote what was seen, if any did; `None` if what was seen is
/// from nobody. Sees to attempts that are said not to be there.
#[expect(
    clippy::option_option,
    reason = "whether it can be told, and whether something is there"
)]
fn recognise(
    place: Place,
    seen: Seen,
    attempts: &BTreeMap<Id, &Attempt>,
    verdict: &mut Verdict,
) -> Option<Option<Id>> {
    let id = match seen {
        Seen::Nothing => return Some(None),
        Seen::Value(id) => id,
        Seen::Foreign(why) => {
            verdict.foreign(place, why);
            return None;
        }
    };
    let Some(attempt) = attempts.get(&id).filter(|attempt| attempt.place == place) else {
        verdict.foreign(place, &format!("attempt {id} did not write it there"));
        return None;
    };
    if attempt.answer == Answer::NotApplied {
        verdict.misreported(attempt, "is called not applied, and was seen");
    }
    Some(Some(id))
}
