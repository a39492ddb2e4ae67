//! Histories that no store may show. Each is rejected.

use storage_testkit::{
    linearizability::{
        Condition::{Absent, Is, Present},
        History,
        OperationKind::{Commit, CompareAndSwap, Delete, Get, Page, Snapshot},
        Verdict, judge,
    },
    storage_core::ReadSupport,
};

use crate::{op, open, rejected};

#[test]
fn a_stale_read_after_an_acknowledged_write_is_rejected() {
    let stale = op(1, Get, 5, 6).saw("a", Some("1"));
    let found = rejected([
        op(0, Commit, 1, 2).put("a", "1"),
        op(0, Commit, 3, 4).put("a", "2"),
        stale.clone(),
    ]);
    assert_eq!(found, stale);
}

#[test]
fn an_acknowledged_write_that_is_lost_is_rejected() {
    rejected([
        op(0, Commit, 1, 2).put("a", "1"),
        op(1, Get, 3, 4).saw("a", None),
    ]);
}

#[test]
fn two_swaps_from_one_value_are_rejected() {
    rejected([
        op(0, Commit, 1, 2).put("a", "1"),
        op(1, CompareAndSwap, 3, 6)
            .when("a", Is("1".into()))
            .put("a", "2"),
        op(2, CompareAndSwap, 4, 5)
            .when("a", Is("1".into()))
            .put("a", "3"),
    ]);
}

#[test]
fn two_creators_of_one_key_are_rejected() {
    rejected([
        op(1, Commit, 1, 4).when("a", Absent).put("a", "1"),
        op(2, Commit, 2, 3).when("a", Absent).put("a", "2"),
    ]);
}

#[test]
fn a_page_with_half_a_batch_is_rejected() {
    rejected([
        op(0, Commit, 1, 9).put("a", "1").put("b", "1"),
        op(1, Page, 2, 3).saw("a", Some("1")).saw("b", None),
    ]);
}

#[test]
fn two_reads_between_which_a_batch_falls_apart_are_rejected() {
    rejected([
        op(0, Commit, 1, 9).put("a", "1").put("b", "1"),
        op(1, Get, 2, 3).saw("a", Some("1")),
        op(1, Get, 4, 5).saw("b", None),
    ]);
}

#[test]
fn reads_that_go_back_in_time_across_two_clients_are_rejected() {
    rejected([
        op(0, Commit, 1, 2).put("a", "1"),
        op(0, Commit, 3, 20).put("a", "2"),
        op(1, Get, 4, 5).saw("a", Some("2")),
        op(2, Get, 6, 7).saw("a", Some("1")),
    ]);
}

#[test]
fn a_refused_write_that_appears_is_rejected() {
    // What was not applied leaves no operation but the reason of the refusal.
    rejected([
        op(0, Commit, 1, 2).put("a", "1"),
        op(1, Commit, 3, 4).when("a", Present),
        op(2, Get, 5, 6).saw("a", Some("refused")),
    ]);
}

#[test]
fn a_refusal_without_a_reason_is_rejected() {
    rejected([
        op(0, Commit, 1, 2).put("a", "1"),
        op(1, Commit, 3, 4).when("a", Absent),
    ]);
}

#[test]
fn a_value_from_nowhere_is_rejected() {
    rejected([
        op(0, Commit, 1, 2).put("a", "1"),
        op(1, Get, 1, 9).saw("a", Some("2")),
    ]);
}

#[test]
fn a_value_seen_before_it_was_put_is_rejected() {
    rejected([
        op(1, Get, 1, 2).saw("a", Some("1")),
        op(0, Commit, 3, 4).put("a", "1"),
    ]);
}

#[test]
fn a_snapshot_of_two_states_is_rejected() {
    rejected([
        op(0, Commit, 1, 2).put("a", "1").put("b", "1"),
        op(0, Commit, 3, 4).put("a", "2"),
        op(0, Commit, 5, 6).put("b", "2"),
        op(1, Snapshot, 1, 9)
            .saw("a", Some("1"))
            .saw("b", Some("2")),
    ]);
}

#[test]
fn a_snapshot_that_changes_is_rejected() {
    rejected([
        op(0, Commit, 1, 9).put("a", "1"),
        op(1, Snapshot, 2, 8).saw("a", None).saw("a", Some("1")),
    ]);
}

#[test]
fn a_deleted_key_that_comes_back_is_rejected() {
    rejected([
        op(0, Commit, 1, 2).put("a", "1"),
        op(0, Delete, 3, 4).when("a", Present).delete("a"),
        op(1, Get, 5, 6).saw("a", None),
        op(1, Get, 7, 8).saw("a", Some("1")),
    ]);
}

#[test]
fn a_key_deleted_twice_is_rejected() {
    rejected([
        op(0, Commit, 1, 2).put("a", "1"),
        op(1, Delete, 3, 6).when("a", Present).delete("a"),
        op(2, Delete, 4, 5).when("a", Present).delete("a"),
    ]);
}

#[test]
fn an_unknown_write_seen_and_unseen_again_is_rejected() {
    rejected([
        op(0, Commit, 1, 2).put("a", "1"),
        open(1, Commit, 3).put("a", "2"),
        op(2, Get, 4, 5).saw("a", Some("2")),
        op(2, Get, 6, 7).saw("a", Some("1")),
    ]);
}

#[test]
fn an_unknown_write_seen_before_its_call_is_rejected() {
    rejected([
        op(2, Get, 1, 2).saw("a", Some("1")),
        open(1, Commit, 3).put("a", "1"),
    ]);
}

#[test]
fn an_unknown_batch_of_which_half_appears_is_rejected() {
    rejected([
        open(0, Commit, 1).put("a", "1").put("b", "1"),
        op(1, Get, 2, 3).saw("a", Some("1")),
        op(1, Get, 4, 5).saw("b", None),
    ]);
}

#[test]
fn an_unknown_swap_whose_condition_never_held_is_rejected() {
    rejected([
        open(0, CompareAndSwap, 1)
            .when("a", Is("1".into()))
            .put("a", "2"),
        op(1, Get, 2, 3).saw("a", Some("2")),
    ]);
}

#[test]
fn reads_that_may_lag_still_show_no_state_that_never_was() {
    let batch = || op(0, Commit, 1, 2).put("a", "1").put("b", "1");
    for wrong in [
        op(1, Page, 3, 4).saw("a", Some("1")).saw("b", None),
        op(1, Get, 3, 4).saw("a", Some("2")),
    ] {
        let history = History::from_iter([batch(), wrong]);
        let verdict = judge(&history, ReadSupport::Eventual);
        assert!(
            matches!(verdict, Verdict::NotLinearizable(_)),
            "{verdict:?}"
        );
    }
}

#[test]
fn reads_that_may_lag_do_not_foresee() {
    let history = History::from_iter([
        op(1, Get, 1, 2).saw("a", Some("1")),
        op(0, Commit, 3, 4).put("a", "1"),
    ]);
    let verdict = judge(&history, ReadSupport::Eventual);
    assert!(
        matches!(verdict, Verdict::NotLinearizable(_)),
        "{verdict:?}"
    );
}
