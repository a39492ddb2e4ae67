//! A task alone, which knows what its swaps must see.

use storage_core::Durability::Buffered;

use super::scene::{Scene, assert_found, assert_legal, id, own, put};
use crate::proof::{Condition, FindingKind, Place};

const SHARED: Place = Place::Shared { index: 0 };

/// A first swap that wins, and a second that saw what it left, or did not.
fn swaps(second: Condition) -> Scene {
    Scene::new()
        .begins_guarded(
            id(0, 0),
            &[Condition::Absent { place: SHARED }],
            &[put(SHARED)],
        )
        .acknowledged(id(0, 0), Buffered)
        .begins_guarded(id(0, 1), &[second], &[put(SHARED)])
}

const FIRST: Condition = Condition::Unchanged {
    place: SHARED,
    seen: Some(id(0, 0)),
};

#[test]
fn a_swap_that_nobody_contended_for_must_not_be_refused() {
    let refused = || swaps(FIRST).refused(id(0, 1)).holds(SHARED, id(0, 0), 0);
    assert_found(&refused().killed(), FindingKind::GuardsBroken, 1);
    // Another task may have won and lost its value, and its answer, since.
    let contended = refused().begins(id(1, 0), &[put(own(1, 0))]);
    assert_legal(&contended.killed());
}

#[test]
fn a_swap_from_what_the_task_itself_replaced_must_be_refused() {
    let stale = || swaps(Condition::Absent { place: SHARED });
    let applied = stale()
        .acknowledged(id(0, 1), Buffered)
        .holds(SHARED, id(0, 1), 0);
    assert!(applied.killed().count(FindingKind::GuardsBroken) > 0);
    let refused = stale().refused(id(0, 1)).holds(SHARED, id(0, 0), 0);
    assert_legal(&refused.killed());
}

#[test]
fn swaps_are_counted_with_those_that_won() {
    let verdict = swaps(FIRST).refused(id(0, 1)).killed();
    assert_eq!((verdict.swaps.begun, verdict.swaps.won), (2, 1));
}
