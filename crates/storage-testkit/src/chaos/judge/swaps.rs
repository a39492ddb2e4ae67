//! Keys that all write, each value built on the one before it.

use std::collections::BTreeMap;

use super::{Facts, Verdict};
use crate::chaos::history::{Answer, Attempt, Basis, Id, Seen};

/// The values form a chain, from the first to the one at the end: what each was
/// built on is known, for its guard says so. What was acknowledged is in it, and
/// reads see it grow.
pub(super) fn judge(facts: &Facts<'_>, verdict: &mut Verdict) {
    let chain = chain(facts);
    for attempt in &facts.attempts {
        let is_there = chain.contains_key(&attempt.id);
        match attempt.answer {
            Answer::Acknowledged if !is_there => {
                verdict.lost(attempt, "is not among those that the end is built on");
            }
            Answer::NotApplied if is_there => {
                verdict.misreported(attempt, "is called not applied, and was built on");
            }
            _ => {}
        }
    }
    stale_reads(facts, &chain, verdict);
}

/// The numbers of the values in the chain, from 1.
fn chain(facts: &Facts<'_>) -> BTreeMap<Id, usize> {
    let attempts: BTreeMap<_, _> = facts
        .attempts
        .iter()
        .map(|attempt| (attempt.id, attempt))
        .collect();
    let mut backwards = Vec::new();
    let mut next = facts.left;
    while let Some(id) = next {
        backwards.push(id);
        // A store that lies can make a circle.
        if backwards.len() > attempts.len() {
            break;
        }
        next = match attempts.get(&id).map(|attempt| attempt.basis) {
            Some(Basis::Only(before)) => before,
            Some(Basis::Anything) | None => None,
        };
    }
    backwards.into_iter().rev().zip(1..).collect()
}

fn stale_reads(facts: &Facts<'_>, chain: &BTreeMap<Id, usize>, verdict: &mut Verdict) {
    let due = Due::of(facts, chain);
    for sighting in &facts.sightings {
        let number = match sighting.seen {
            Seen::Nothing => 0,
            Seen::Value(id) => match chain.get(&id) {
                Some(number) => *number,
                // Never acknowledged, or lost as a whole.
                None => continue,
            },
            Seen::Foreign(_) => continue,
        };
        if let Some((least, attempt)) = due.at(sighting.span.began)
            && number < least
        {
            let at = sighting.span.began;
            verdict.lost(attempt, &format!("was not yet there at {at:?}"));
        }
    }
}

/// What every read has to show at least.
struct Due<'a> {
    /// In the order of acknowledgements: the newest by then, and its number.
    newest: Vec<(usize, &'a Attempt)>,
}

impl<'a> Due<'a> {
    fn of(facts: &Facts<'a>, chain: &BTreeMap<Id, usize>) -> Self {
        let mut newest: Vec<(usize, &Attempt)> = facts
            .attempts
            .iter()
            .filter(|attempt| attempt.answer == Answer::Acknowledged)
            .filter_map(|attempt| Some((*chain.get(&attempt.id)?, *attempt)))
            .collect();
        newest.sort_by_key(|(_, attempt)| attempt.span.ended);
        let mut last = None::<(usize, &Attempt)>;
        for each in &mut newest {
            if let Some(last) = last.filter(|last| last.0 > each.0) {
                *each = last;
            }
            last = Some(*each);
        }
        Self { newest }
    }

    fn at(&self, began: std::time::Duration) -> Option<(usize, &'a Attempt)> {
        let before = self
            .newest
            .partition_point(|(_, attempt)| attempt.span.ended <= began);
        self.newest.get(before.checked_sub(1)?).copied()
    }
}
