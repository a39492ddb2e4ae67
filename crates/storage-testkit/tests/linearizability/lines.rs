//! Histories as lines: what is written is read, and those of several processes
//! are one.

use storage_testkit::{
    linearizability::{
        ClientId,
        Condition::{Absent, Is, IsNot, Present},
        History, Moment, Operation,
        OperationKind::{Commit, CompareAndSwap, Get},
        Verdict, judge,
    },
    storage_core::ReadSupport,
};

use crate::{at, op, open};

#[test]
fn a_history_is_read_back_from_its_lines() {
    let history = History::from_iter([
        op(0, Commit, 1, 2)
            .when("a", Absent)
            .when("b", Present)
            .put("a", "1 \" \n 2")
            .delete("b"),
        op(1, CompareAndSwap, 1, u64::MAX).when("a", IsNot("\\x00".into())),
        open(2, CompareAndSwap, 7).when("a", Is(String::new())),
    ]);
    let lines = history.to_lines().unwrap();
    assert_eq!(lines.lines().count(), 3);
    assert_eq!(History::from_lines(&lines).unwrap(), history);
}

/// What is written down must stay readable.
#[test]
fn the_form_of_a_line_is_this() {
    let history = History::from_iter([
        op(0, Commit, 1, 2).when("a", Absent).put("a", "1"),
        open(3, Get, 4).saw("b", Some("2")),
    ]);
    let lines = r#"{"client":{"process":0,"number":0},"kind":"commit","called":1,"answered":2,"conditions":[["a","absent"]],"changes":[["a","1"]]}
{"client":{"process":0,"number":3},"kind":"get","called":4,"answered":null,"conditions":[["b",{"is":"2"}]],"changes":[]}
"#;
    assert_eq!(history.to_lines().unwrap(), lines);
}

#[test]
fn a_line_that_is_no_operation_is_named() {
    let good = History::from_iter([op(0, Get, 1, 2).saw("a", None)])
        .to_lines()
        .unwrap();
    let error = History::from_lines(&format!("{good}\n{{}}\n{good}")).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("line 3"), "{message}");
    assert!(message.contains("missing field `client`"), "{message}");
}

/// Alone, each process saw nothing wrong; together, one read the past.
#[test]
fn merged_histories_are_judged_as_one() {
    let process = |process, kind, called, answered| {
        let client = ClientId { process, number: 0 };
        Operation::answered(client, kind, at(called), at(answered))
    };
    let mut whole = History::from_iter([process(1, Commit, 1, 2).put("a", "1")]);
    let other = History::from_iter([process(2, Get, 3, 4).saw("a", None)]);
    for alone in [&whole, &other] {
        let verdict = judge(alone, ReadSupport::Linearizable);
        assert_eq!(verdict, Verdict::Linearizable);
    }
    whole.merge(other);
    let verdict = judge(&whole, ReadSupport::Linearizable);
    assert!(
        matches!(verdict, Verdict::NotLinearizable(_)),
        "{verdict:?}"
    );
}

#[test]
fn moments_never_run_backwards() {
    let mut last = Moment::now();
    for _ in 0..1_000 {
        let now = Moment::now();
        assert!(now >= last);
        last = now;
    }
}

/// Linux tells the same time, in seconds since the machine started, in a file.
#[cfg(target_os = "linux")]
#[test]
fn moments_are_of_the_machine_and_not_of_the_process() {
    let seconds = || Moment::now().as_nanoseconds() / 1_000_000_000;
    let before = seconds();
    let text = std::fs::read_to_string("/proc/uptime").unwrap();
    let uptime: u64 = text.split('.').next().unwrap().parse().unwrap();
    // The monotonic clock stands still while the machine sleeps; the file does
    // not.
    assert!(before <= uptime + 1, "{before} s, but up for {uptime} s");
    assert!(seconds() > 0);
}
