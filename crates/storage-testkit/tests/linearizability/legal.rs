//! Histories that look odd and are right.

use storage_testkit::{
    linearizability::{
        Condition::{Absent, Is, IsNot, Present},
        History,
        OperationKind::{Commit, CompareAndSwap, Delete, Get, GetMany, Page, Snapshot},
        Verdict, judge,
    },
    storage_core::ReadSupport,
};

use crate::{accepted, op, open};

#[test]
fn concurrent_reads_may_see_the_old_and_the_new() {
    accepted([
        op(0, Commit, 1, 2).put("a", "1"),
        op(0, Commit, 3, 20).put("a", "2"),
        op(1, Get, 4, 9).saw("a", Some("2")),
        op(2, Get, 5, 10).saw("a", Some("1")),
    ]);
}

#[test]
fn an_unknown_write_may_take_effect_much_later() {
    accepted([
        op(0, Commit, 1, 2).put("a", "1"),
        open(1, Commit, 3).put("a", "2"),
        op(0, Get, 4, 5).saw("a", Some("1")),
        op(0, Commit, 6, 7).put("a", "3"),
        op(0, Get, 8, 9).saw("a", Some("3")),
        op(0, Get, 10, 11).saw("a", Some("2")),
    ]);
}

#[test]
fn an_unknown_write_may_never_take_effect() {
    accepted([
        open(1, Commit, 1).put("a", "1"),
        op(0, Get, 4, 5).saw("a", None),
    ]);
}

#[test]
fn an_unknown_swap_need_not_have_held() {
    accepted([
        open(1, CompareAndSwap, 1)
            .when("a", Is("7".into()))
            .put("a", "8"),
        op(0, Commit, 2, 3).put("a", "1"),
        op(0, Get, 4, 5).saw("a", Some("1")),
    ]);
}

#[test]
fn unknown_writes_may_take_effect_in_any_order() {
    accepted([
        open(1, Commit, 1).put("a", "1"),
        open(2, Commit, 2).put("a", "2"),
        op(0, Get, 4, 5).saw("a", Some("2")),
        op(0, Get, 6, 7).saw("a", Some("1")),
    ]);
}

#[test]
fn writes_may_take_effect_in_the_reverse_of_their_calls() {
    accepted([
        op(0, Commit, 1, 20).put("a", "1"),
        op(1, Commit, 2, 21).put("a", "2"),
        op(2, Get, 3, 4).saw("a", Some("2")),
        op(2, Get, 5, 6).saw("a", Some("1")),
    ]);
}

#[test]
fn the_keys_of_a_get_many_may_be_of_two_states() {
    accepted([
        op(0, Commit, 2, 3).put("a", "1").put("b", "1"),
        op(1, GetMany, 1, 4).saw("a", None),
        op(1, GetMany, 1, 4).saw("b", Some("1")),
    ]);
}

#[test]
fn a_snapshot_may_miss_what_is_under_way() {
    accepted([
        op(0, Commit, 1, 4).put("a", "1"),
        op(1, Snapshot, 2, 3).saw("a", None),
        op(2, Page, 2, 3).saw("a", None),
    ]);
}

#[test]
fn a_swap_may_fail_over_a_value_that_came_and_went() {
    accepted([
        op(0, Commit, 1, 2).put("a", "1"),
        op(1, CompareAndSwap, 3, 9).when("a", IsNot("1".into())),
        op(2, Delete, 4, 5).when("a", Present).delete("a"),
        op(2, Commit, 6, 7).when("a", Absent).put("a", "1"),
    ]);
}

#[test]
fn operations_that_touch_in_one_instant_are_concurrent() {
    accepted([
        op(0, Commit, 1, 2).put("a", "1"),
        op(1, Get, 2, 3).saw("a", None),
    ]);
}

#[test]
fn reads_that_may_lag_may_show_any_earlier_state() {
    let history = History::from_iter([
        op(0, Commit, 1, 2).put("a", "1"),
        op(0, Commit, 3, 4).when("a", Is("1".into())).put("a", "2"),
        op(1, Get, 5, 6).saw("a", Some("2")),
        op(1, Get, 7, 8).saw("a", None),
        op(1, Get, 9, 10).saw("a", Some("1")),
    ]);
    let verdict = judge(&history, ReadSupport::Eventual);
    assert_eq!(verdict, Verdict::Linearizable);
}

#[test]
fn nothing_at_all_is_right() {
    accepted([]);
}
