//! What must be reported, and as what.

use storage_core::Durability::{Buffered, Synced, Volatile};

use super::scene::{Scene, assert_found, assert_legal, blank, delete, id, own, put};
use crate::proof::{Change, Condition, Content, FindingKind, Place};

const SHARED: Place = Place::Shared { index: 0 };

#[test]
fn an_acknowledged_put_that_is_gone_is_lost() {
    let scene = Scene::new().does(id(0, 0), &[put(own(0, 0))]);
    assert_found(&scene.killed(), FindingKind::Lost, 1);
    assert_legal(&scene.power_lost());
}

#[test]
fn an_acknowledged_overwrite_that_is_gone_is_lost() {
    let scene = Scene::new()
        .does(id(0, 0), &[put(own(0, 0))])
        .does(id(0, 1), &[put(own(0, 0))])
        .holds(own(0, 0), id(0, 0), 0);
    assert_found(&scene.killed(), FindingKind::Lost, 1);
}

#[test]
fn an_acknowledged_delete_that_is_undone_is_lost() {
    let scene = Scene::new()
        .does(id(0, 0), &[put(own(0, 0))])
        .does(id(0, 1), &[delete(own(0, 0))])
        .holds(own(0, 0), id(0, 0), 0);
    assert_found(&scene.killed(), FindingKind::Lost, 1);
}

#[test]
fn a_range_delete_that_is_undone_is_lost() {
    let range = Change::DeleteOwn {
        task: 0,
        from: 1,
        to: 3,
    };
    let scene = Scene::new()
        .does(id(0, 0), &[put(own(0, 2))])
        .does(id(0, 1), &[range])
        .holds(own(0, 2), id(0, 0), 0);
    assert_found(&scene.killed(), FindingKind::Lost, 1);
}

#[test]
fn an_empty_value_that_is_gone_is_lost() {
    let scene = Scene::new().does(id(0, 0), &[blank(own(0, 0))]);
    assert_found(&scene.killed(), FindingKind::Lost, 1);
}

#[test]
fn an_acknowledged_swap_that_is_gone_is_lost() {
    let next = Condition::Unchanged {
        place: SHARED,
        seen: Some(id(0, 0)),
    };
    let scene = Scene::new()
        .begins_guarded(
            id(0, 0),
            &[Condition::Absent { place: SHARED }],
            &[put(SHARED)],
        )
        .acknowledged(id(0, 0), Buffered)
        .begins_guarded(id(1, 0), &[next], &[put(SHARED)])
        .acknowledged(id(1, 0), Buffered)
        .holds(SHARED, id(0, 0), 0);
    assert_found(&scene.killed(), FindingKind::Lost, 1);
}

#[test]
fn an_operation_whose_log_entry_is_gone_is_lost() {
    let scene = Scene::new()
        .begins(id(0, 0), &[delete(own(0, 0))])
        .logged()
        .acknowledged(id(0, 0), Buffered);
    assert_found(&scene.killed(), FindingKind::Lost, 1);
}

#[test]
fn a_synced_commit_that_power_takes_is_lost() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0))])
        .acknowledged(id(0, 0), Synced);
    assert_found(&scene.power_lost(), FindingKind::Lost, 1);
}

#[test]
fn what_came_before_a_synced_commit_is_lost_if_power_takes_it() {
    let scene = Scene::new()
        .does(id(0, 0), &[put(own(0, 0))])
        .begins(id(1, 0), &[put(own(1, 0))])
        .acknowledged(id(1, 0), Synced)
        .holds(own(1, 0), id(1, 0), 0);
    assert_found(&scene.power_lost(), FindingKind::Lost, 1);
}

#[test]
fn what_a_synced_commit_outnumbers_is_lost_if_power_takes_it() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0))])
        .begins(id(1, 0), &[put(own(1, 0))])
        .numbered(id(1, 0), Synced, 9)
        .numbered(id(0, 0), Volatile, 8)
        .holds(own(1, 0), id(1, 0), 0);
    assert_found(&scene.power_lost(), FindingKind::Lost, 1);
}

#[test]
fn an_unanswered_swap_that_a_synced_one_built_on_is_lost_if_it_is_gone() {
    let next = Condition::Unchanged {
        place: SHARED,
        seen: Some(id(0, 0)),
    };
    let scene = Scene::new()
        .begins_guarded(
            id(0, 0),
            &[Condition::Absent { place: SHARED }],
            &[put(SHARED), put(own(0, 0))],
        )
        .begins_guarded(id(1, 0), &[next], &[put(SHARED)])
        .acknowledged(id(1, 0), Synced)
        .holds(SHARED, id(1, 0), 0);
    assert_found(&scene.power_lost(), FindingKind::Lost, 1);
}

#[test]
fn an_answer_that_promises_less_than_was_asked_for_is_a_failure() {
    let answered = |durability| {
        Scene::new()
            .begins(id(0, 0), &[put(own(0, 0))])
            .asking(Synced)
            .acknowledged(id(0, 0), durability)
    };
    assert_found(&answered(Buffered).power_lost(), FindingKind::Failed, 1);
    assert_found(&answered(Volatile).killed(), FindingKind::Failed, 1);
    let kept = answered(Synced).holds(own(0, 0), id(0, 0), 0);
    assert_legal(&kept.power_lost());
}

#[test]
fn only_what_had_to_survive_counts_as_acknowledged() {
    let scene = Scene::new()
        .begins(id(0, 0), &[delete(own(0, 0))])
        .acknowledged(id(0, 0), Volatile)
        .does(id(0, 1), &[delete(own(0, 0))]);
    assert_eq!(scene.killed().acknowledged, 1);
    assert_eq!(scene.power_lost().acknowledged, 0);
}

#[test]
fn an_answer_that_leaves_the_outcome_open_is_a_failure() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0))])
        .left_open(id(0, 0));
    assert_found(&scene.killed(), FindingKind::Failed, 1);
    assert_found(
        &scene.holds(own(0, 0), id(0, 0), 0).power_lost(),
        FindingKind::Failed,
        1,
    );
}

#[test]
fn half_a_batch_is_torn() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0)), put(own(0, 1))])
        .holds(own(0, 0), id(0, 0), 0);
    assert_found(&scene.killed(), FindingKind::Torn, 1);
}

#[test]
fn half_an_acknowledged_batch_is_torn_and_not_lost_as_well() {
    let scene = Scene::new()
        .does(id(0, 0), &[put(own(0, 0)), put(own(0, 1))])
        .holds(own(0, 1), id(0, 0), 1);
    assert_found(&scene.killed(), FindingKind::Torn, 1);
}

#[test]
fn a_batch_without_its_log_entry_is_torn() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0))])
        .logged()
        .holds(own(0, 0), id(0, 0), 0);
    assert_found(&scene.killed(), FindingKind::Torn, 1);
}

#[test]
fn a_value_that_its_own_batch_overwrote_is_torn() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0)), put(own(0, 0))])
        .holds(own(0, 0), id(0, 0), 0);
    assert_found(&scene.killed(), FindingKind::Torn, 1);
}

#[test]
fn a_delete_without_the_put_of_its_batch_is_torn() {
    // Nothing but the delete of the second operation explains the absence of
    // the one key, and the other shows that it did not happen.
    let scene = Scene::new()
        .does(id(0, 0), &[put(own(0, 0)), put(own(0, 1))])
        .begins(id(0, 1), &[delete(own(0, 0)), put(own(0, 1))])
        .holds(own(0, 1), id(0, 0), 1);
    assert_found(&scene.killed(), FindingKind::Torn, 1);
}

#[test]
fn a_gap_in_the_order_is_reported_where_only_a_suffix_may_be_lost() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0))])
        .acknowledged(id(0, 0), Volatile)
        .begins(id(1, 0), &[put(own(1, 0))])
        .holds(own(1, 0), id(1, 0), 0);
    assert_found(&scene.killed_in_order(), FindingKind::Unordered, 1);
    assert_legal(&scene.killed());
}

#[test]
fn a_gap_that_sequences_show_is_reported() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0))])
        .begins(id(1, 0), &[put(own(1, 0))])
        .logged()
        .numbered(id(0, 0), Volatile, 6)
        .holds(own(1, 0), id(1, 0), 0)
        .log_holds(id(1, 0), 1, 7);
    assert_found(&scene.killed_in_order(), FindingKind::Unordered, 1);
    assert_legal(&scene.killed());
}

#[test]
fn a_gap_that_an_operation_between_shows_is_reported() {
    // By time the first is before the second, of which nothing is left, and by
    // sequence that is before the third.
    let scene = Scene::new()
        .begins(id(2, 0), &[put(own(2, 0))])
        .logged()
        .begins(id(0, 0), &[put(own(0, 0))])
        .acknowledged(id(0, 0), Volatile)
        .begins(id(1, 0), &[delete(own(1, 0))])
        .numbered(id(1, 0), Volatile, 3)
        .holds(own(2, 0), id(2, 0), 0)
        .log_holds(id(2, 0), 1, 4);
    assert_found(&scene.killed_in_order(), FindingKind::Unordered, 1);
}

#[test]
fn a_sequence_that_an_earlier_process_had_is_reported() {
    let scene = Scene::new()
        .begins(id(0, 0), &[delete(own(0, 0))])
        .numbered(id(0, 0), Volatile, 5);
    assert_found(&scene.after_sequence(5), FindingKind::Unordered, 1);
    assert_legal(&scene.after_sequence(4));
}

#[test]
fn a_sequence_that_occurs_twice_is_reported() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0))])
        .begins(id(1, 0), &[put(own(1, 0))])
        .numbered(id(0, 0), Volatile, 5)
        .numbered(id(1, 0), Volatile, 5);
    assert_found(&scene.killed(), FindingKind::Unordered, 1);
}

#[test]
fn a_sequence_that_goes_back_is_reported() {
    let scene = Scene::new()
        .begins(id(0, 0), &[put(own(0, 0))])
        .numbered(id(0, 0), Volatile, 5)
        .begins(id(1, 0), &[put(own(1, 0))])
        .numbered(id(1, 0), Volatile, 4);
    assert_found(&scene.killed(), FindingKind::Unordered, 1);
}

#[test]
fn two_swaps_from_the_same_value_break_a_guard() {
    let absent = [Condition::Absent { place: SHARED }];
    let scene = Scene::new()
        .begins_guarded(id(0, 0), &absent, &[put(SHARED)])
        .begins_guarded(id(1, 0), &absent, &[put(SHARED)])
        .acknowledged(id(0, 0), Volatile)
        .acknowledged(id(1, 0), Volatile);
    assert_found(&scene.killed(), FindingKind::GuardsBroken, 1);
}

#[test]
fn an_unanswered_swap_that_overtook_an_acknowledged_one_breaks_a_guard() {
    let absent = [Condition::Absent { place: SHARED }];
    let scene = Scene::new()
        .begins_guarded(id(0, 0), &absent, &[put(SHARED)])
        .begins_guarded(id(1, 0), &absent, &[put(SHARED)])
        .acknowledged(id(0, 0), Volatile)
        .holds(SHARED, id(1, 0), 0);
    assert_found(&scene.killed(), FindingKind::GuardsBroken, 1);
}

#[test]
fn a_commit_whose_guard_on_an_own_key_failed_is_reported() {
    for condition in [
        Condition::Absent { place: own(0, 0) },
        Condition::Present { place: own(0, 1) },
        Condition::Unchanged {
            place: own(0, 0),
            seen: Some(id(0, 7)),
        },
    ] {
        let scene = Scene::new()
            .does(id(0, 0), &[put(own(0, 0))])
            .does(id(0, 7), &[put(own(0, 0))])
            .does(id(0, 8), &[put(own(0, 0))])
            .begins_guarded(id(0, 9), &[condition], &[put(own(0, 0))])
            .acknowledged(id(0, 9), Buffered)
            .holds(own(0, 0), id(0, 9), 0);
        assert_found(&scene.killed(), FindingKind::GuardsBroken, 1);
    }
}

#[test]
fn a_conflict_without_a_reason_is_reported() {
    let scene = Scene::new()
        .begins_guarded(id(0, 0), &[Condition::Absent { place: own(0, 0) }], &[])
        .refused(id(0, 0));
    assert_found(&scene.killed(), FindingKind::GuardsBroken, 1);
}

#[test]
fn a_refused_commit_that_took_effect_is_reported() {
    let scene = Scene::new()
        .begins_guarded(
            id(0, 0),
            &[Condition::Present { place: own(0, 0) }],
            &[put(own(0, 1))],
        )
        .refused(id(0, 0))
        .holds(own(0, 1), id(0, 0), 0);
    assert_found(&scene.killed(), FindingKind::GuardsBroken, 1);
}

#[test]
fn values_that_nobody_wrote_are_foreign() {
    let begun = || Scene::new().begins(id(0, 0), &[put(own(0, 0)), delete(own(0, 1))]);
    let foreign = [
        begun().holds_content(own(0, 0), Content::Blank),
        begun().holds_content(own(0, 0), Content::Damaged("its checksum is another")),
        begun().holds(own(0, 0), id(0, 5), 0),
        begun().holds(own(0, 0), id(0, 0), 1),
        begun().holds(own(0, 1), id(0, 0), 0),
        begun().stray("an unknown key"),
    ];
    for scene in foreign {
        assert_found(&scene.killed(), FindingKind::Foreign, 1);
    }
}

#[test]
fn log_entries_that_nobody_wrote_are_foreign() {
    let logged = || {
        Scene::new()
            .begins(id(0, 0), &[delete(own(0, 0))])
            .logged()
            .numbered(id(0, 0), Volatile, 5)
    };
    for scene in [
        logged().log_holds(id(0, 0), 1, 6),
        logged().log_holds(id(0, 0), 3, 5),
        logged().log_holds(id(0, 0), 1, 5).log_holds(id(0, 0), 1, 6),
        logged().log_holds(id(0, 0), 1, 5).log_holds(id(4, 4), 1, 6),
    ] {
        assert_found(&scene.killed(), FindingKind::Foreign, 1);
    }
}
