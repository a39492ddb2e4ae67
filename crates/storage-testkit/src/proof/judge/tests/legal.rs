//! What a crash may leave, and nothing must be reported.

use storage_core::Durability::{Buffered, Synced, Volatile};

use super::scene::{Scene, assert_found, assert_legal, blank, delete, id, own, put};
use crate::proof::{Condition, Content, FindingKind, Place};

const SHARED: Place = Place::Shared { index: 0 };

#[test]
fn everything_that_was_acknowledged_is_there() {
    let scene = Scene::new()
        .does(
            id(0, 0),
            &[put(own(0, 0)), blank(own(0, 1)), put(own(0, 2))],
        )
        .does(id(0, 1), &[delete(own(0, 2))])
        .holds(own(0, 0), id(0, 0), 0)
        .holds_content(own(0, 1), Content::Blank);
    assert_legal(&scene.killed_in_order());
    assert_legal(&scene.power_lost());
}

#[test]
fn an_unanswered_operation_may_be_there_or_not() {
    let begun = || {
        Scene::new()
            .does(id(0, 0), &[put(own(0, 0)), put(own(0, 1))])
            .begins(id(0, 1), &[put(own(0, 0)), delete(own(0, 1))])
    };
    let without = begun()
        .holds(own(0, 0), id(0, 0), 0)
        .holds(own(0, 1), id(0, 0), 1);
    assert_legal(&without.killed_in_order());
    let with = begun().holds(own(0, 0), id(0, 1), 0);
    assert_legal(&with.killed_in_order());
}

#[test]
fn volatile_commits_may_be_lost_from_the_end() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0))])
        .acknowledged(id(0, 0), Volatile)
        .begins(id(0, 1), &[put(own(0, 0)), put(own(0, 1))])
        .acknowledged(id(0, 1), Volatile)
        .begins(id(0, 2), &[put(own(0, 1))])
        .acknowledged(id(0, 2), Volatile)
        .holds(own(0, 0), id(0, 0), 0);
    assert_legal(&scene.killed_in_order());
}

#[test]
fn power_may_take_what_was_not_synced() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0))])
        .acknowledged(id(0, 0), Synced)
        .does(id(0, 1), &[put(own(0, 0))])
        .holds(own(0, 0), id(0, 0), 0);
    assert_legal(&scene.power_lost());
}

#[test]
fn power_may_take_all_from_a_closed_store_that_cannot_sync() {
    let closed = Scene::new().does(id(0, 0), &[put(own(0, 0))]).closed();
    assert_legal(&closed.power_lost_by_a_store_of(Buffered));
    let verdict = closed.power_lost_by_a_store_of(Synced);
    assert_found(&verdict, FindingKind::Lost, 1);
}

#[test]
fn a_sync_covers_nothing_that_began_while_it_ran() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0))])
        .begins(id(1, 0), &[put(own(1, 0))])
        .acknowledged(id(1, 0), Buffered)
        .acknowledged(id(0, 0), Synced)
        .holds(own(0, 0), id(0, 0), 0);
    assert_legal(&scene.power_lost());
}

#[test]
fn of_two_deletes_either_may_explain_an_absence() {
    let scene = Scene::new()
        .does(id(0, 0), &[put(own(0, 0)), put(own(0, 1))])
        .does(id(0, 1), &[delete(own(0, 0))])
        .begins(id(0, 2), &[delete(own(0, 0)), put(own(0, 1))])
        .holds(own(0, 1), id(0, 0), 1);
    assert_legal(&scene.killed_in_order());
}

#[test]
fn swaps_that_follow_each_other_are_legal() {
    let chain = |seen| Condition::Unchanged {
        place: SHARED,
        seen: Some(seen),
    };
    let scene = Scene::new()
        .begins_guarded(
            id(0, 0),
            &[Condition::Absent { place: SHARED }],
            &[put(SHARED)],
        )
        .begins_guarded(
            id(1, 0),
            &[Condition::Absent { place: SHARED }],
            &[put(SHARED)],
        )
        .acknowledged(id(0, 0), Buffered)
        .refused(id(1, 0))
        .begins_guarded(id(1, 1), &[chain(id(0, 0))], &[put(SHARED), put(own(1, 0))])
        // The answer of the one was cut off, but the other read its value.
        .begins_guarded(id(0, 1), &[chain(id(1, 1))], &[put(SHARED)])
        .begins_guarded(id(2, 0), &[chain(id(1, 1))], &[put(SHARED)])
        .holds(SHARED, id(0, 1), 0)
        .holds(own(1, 0), id(1, 1), 1);
    assert_legal(&scene.killed_in_order());
    assert_legal(&scene.power_lost());
}

#[test]
fn guards_on_own_keys_that_hold_and_fail_as_they_should_are_legal() {
    let at = own(0, 0);
    let scene = Scene::new()
        .begins_guarded(id(0, 0), &[Condition::Absent { place: at }], &[put(at)])
        .acknowledged(id(0, 0), Buffered)
        .begins_guarded(id(0, 1), &[Condition::Absent { place: at }], &[delete(at)])
        .refused(id(0, 1))
        .begins_guarded(id(0, 2), &[Condition::Present { place: at }], &[blank(at)])
        .acknowledged(id(0, 2), Buffered)
        // Two values of no bytes may or may not have the same stamp.
        .begins_guarded(
            id(0, 3),
            &[Condition::Unchanged {
                place: at,
                seen: None,
            }],
            &[put(at)],
        )
        .refused(id(0, 3))
        .holds_content(at, Content::Blank);
    assert_legal(&scene.killed_in_order());
}

#[test]
fn a_log_that_agrees_with_the_answers_is_legal() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0))])
        .logged()
        .numbered(id(0, 0), Buffered, 3)
        // Its answer was cut off.
        .begins(id(0, 1), &[put(own(0, 0))])
        .logged()
        .holds(own(0, 0), id(0, 1), 0)
        .log_holds(id(0, 0), 1, 3)
        .log_holds(id(0, 1), 1, 5);
    assert_legal(&scene.killed_in_order());
}
