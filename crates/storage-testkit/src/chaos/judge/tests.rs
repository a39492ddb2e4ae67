//! Histories written by hand, and what the judge says of them.

use std::time::Duration;

use super::*;
use crate::chaos::history::Basis;

const OWN: Place = Place::Task { task: 1, age: 0 };
const ALL: Place = Place::All(0);

fn id(step: u32) -> Id {
    Id { task: 1, step }
}

fn span(began: u64, ended: u64) -> Span {
    Span {
        began: Duration::from_millis(began),
        ended: Duration::from_millis(ended),
    }
}

fn attempt(step: u32, place: Place, basis: Basis, at: u64, answer: Answer) -> Attempt {
    Attempt {
        id: id(step),
        place,
        basis,
        span: span(at, at + 1),
        answer,
    }
}

fn put(step: u32, at: u64, answer: Answer) -> Attempt {
    attempt(step, OWN, Basis::Anything, at, answer)
}

fn swap(step: u32, before: Option<u32>, at: u64, answer: Answer) -> Attempt {
    attempt(step, ALL, Basis::Only(before.map(id)), at, answer)
}

fn sighting(place: Place, at: u64, seen: Seen) -> Sighting {
    Sighting {
        place,
        span: span(at, at + 1),
        seen,
    }
}

/// What is said of a history that leaves this value.
fn verdict(attempts: &[Attempt], sightings: &[Sighting], left: (Place, Seen)) -> Verdict {
    judge(&Evidence {
        attempts: attempts.to_vec(),
        sightings: sightings.to_vec(),
        left: [left].into(),
        cut_off: vec![span(100, 200)],
        reads: ReadSupport::Linearizable,
    })
}

fn found(verdict: &Verdict) -> (Vec<u32>, Vec<u32>, u64) {
    let steps = |ids: &BTreeSet<Id>| ids.iter().map(|id| id.step).collect();
    (
        steps(&verdict.lost),
        steps(&verdict.misreported),
        verdict.foreign,
    )
}

const NOTHING: (Vec<u32>, Vec<u32>, u64) = (Vec::new(), Vec::new(), 0);

#[test]
fn the_last_that_was_acknowledged_must_be_there() {
    let attempts = [
        put(0, 0, Answer::Acknowledged),
        put(1, 10, Answer::Acknowledged),
        put(2, 20, Answer::NotApplied),
    ];
    let left = |seen| found(&verdict(&attempts, &[], (OWN, seen)));
    assert_eq!(left(Seen::Value(id(1))), NOTHING);
    assert_eq!(left(Seen::Value(id(0))), (vec![1], vec![], 0));
    assert_eq!(left(Seen::Nothing), (vec![1], vec![], 0));
    assert_eq!(left(Seen::Value(id(2))), (vec![], vec![2], 0));
    assert_eq!(left(Seen::Value(id(9))), (vec![1], vec![], 1));
}

#[test]
fn an_unknown_value_may_be_there_or_not() {
    let attempts = [put(0, 0, Answer::Acknowledged), put(1, 10, Answer::Unknown)];
    for seen in [id(0), id(1)] {
        let verdict = verdict(&attempts, &[], (OWN, Seen::Value(seen)));
        assert_eq!(found(&verdict), NOTHING);
    }
    let verdict = verdict(&attempts, &[], (OWN, Seen::Nothing));
    assert_eq!(found(&verdict), (vec![0], vec![], 0));
}

#[test]
fn a_read_shows_what_was_acknowledged_before_it_began() {
    let attempts = [
        put(0, 0, Answer::Acknowledged),
        put(1, 10, Answer::Acknowledged),
    ];
    let read = |at, seen| {
        let left = (OWN, Seen::Value(id(1)));
        found(&verdict(&attempts, &[sighting(OWN, at, seen)], left))
    };
    // While it was written, both are right.
    assert_eq!(read(10, Seen::Value(id(0))), NOTHING);
    assert_eq!(read(10, Seen::Value(id(1))), NOTHING);
    assert_eq!(read(11, Seen::Value(id(1))), NOTHING);
    assert_eq!(read(11, Seen::Value(id(0))), (vec![1], vec![], 0));
    // It had not begun.
    assert_eq!(read(5, Seen::Value(id(1))), (vec![0], vec![], 0));
}

#[test]
fn a_swap_that_was_acknowledged_is_built_on() {
    let attempts = [
        swap(0, None, 0, Answer::Acknowledged),
        swap(1, Some(0), 10, Answer::Unknown),
        swap(2, Some(1), 20, Answer::Acknowledged),
        swap(3, Some(1), 20, Answer::NotApplied),
    ];
    let left = |seen| found(&verdict(&attempts, &[], (ALL, seen)));
    assert_eq!(left(Seen::Value(id(2))), NOTHING);
    assert_eq!(left(Seen::Value(id(3))), (vec![2], vec![3], 0));
    assert_eq!(left(Seen::Value(id(1))), (vec![2], vec![], 0));
    assert_eq!(left(Seen::Nothing), (vec![0, 2], vec![], 0));
}

#[test]
fn a_read_of_what_all_swap_goes_never_back() {
    let attempts = [
        swap(0, None, 0, Answer::Acknowledged),
        swap(1, Some(0), 10, Answer::Acknowledged),
        swap(2, Some(1), 20, Answer::Unknown),
        swap(3, Some(2), 30, Answer::Acknowledged),
    ];
    let read = |at, seen| {
        let left = (ALL, Seen::Value(id(3)));
        found(&verdict(&attempts, &[sighting(ALL, at, seen)], left))
    };
    assert_eq!(read(12, Seen::Value(id(1))), NOTHING);
    assert_eq!(read(12, Seen::Value(id(2))), NOTHING);
    assert_eq!(read(12, Seen::Value(id(0))), (vec![1], vec![], 0));
    assert_eq!(read(12, Seen::Nothing), (vec![1], vec![], 0));
    assert_eq!(read(40, Seen::Value(id(2))), (vec![3], vec![], 0));
}

#[test]
fn values_that_are_built_on_each_other_in_a_circle_end() {
    let attempts = [
        swap(0, Some(1), 0, Answer::Acknowledged),
        swap(1, Some(0), 10, Answer::Acknowledged),
    ];
    let verdict = verdict(&attempts, &[], (ALL, Seen::Value(id(1))));
    assert_eq!(verdict.foreign, 0);
}

#[test]
fn only_an_attempt_that_is_wholly_cut_off_may_not_be_unknown() {
    for (at, is_misreported) in [(99, false), (100, true), (199, true), (200, false)] {
        let attempts = [put(0, at, Answer::Unknown)];
        let verdict = verdict(&attempts, &[], (OWN, Seen::Nothing));
        assert_eq!(!verdict.misreported.is_empty(), is_misreported, "{at}");
        assert!(verdict.lost.is_empty());
    }
    let refused = [put(0, 150, Answer::NotApplied)];
    let verdict = verdict(&refused, &[], (OWN, Seen::Nothing));
    assert_eq!(found(&verdict), NOTHING);
    assert_eq!(verdict.attempts_cut_off, 1);
}

#[test]
fn a_value_of_another_key_is_foreign() {
    let attempts = [
        put(0, 0, Answer::Acknowledged),
        swap(1, None, 10, Answer::Acknowledged),
    ];
    let verdict = verdict(&attempts, &[], (OWN, Seen::Value(id(1))));
    assert_eq!(verdict.foreign, 1);
    assert!(verdict.lost.contains(&id(0)));
}
