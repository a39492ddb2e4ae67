//! Faults that no store may have, and rules that can never apply, are refused.

use storage_core::ErrorKind;
use storage_testkit::faulty::{Call, Fault, Faults, Gate, Rule};

#[track_caller]
fn refused(rule: Rule, fault: Fault, words: &str) {
    let faults = Faults::new();
    let error = faults.inject(rule, fault).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains(words), "{error}");
}

#[test]
fn errors_that_say_something_untrue_are_refused() {
    for kind in [
        ErrorKind::Conflict,
        ErrorKind::Invalid,
        ErrorKind::Unsupported,
        ErrorKind::Closed,
        ErrorKind::SnapshotExpired,
    ] {
        let words = format!("commit fail with `{kind}`");
        refused(Rule::on(Call::Commit), Fault::refuse(kind), &words);
        refused(Rule::on(Call::Commit), Fault::lose_answer(kind), &words);
    }
    let full = Fault::refuse(ErrorKind::Full);
    refused(Rule::on_any(Call::ALL), full, "get fail with `full`");
}

#[test]
fn every_call_fails_with_what_its_contract_lists() {
    let faults = Faults::new();
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::Throttled,
        ErrorKind::TimedOut,
        ErrorKind::Denied,
        ErrorKind::Corrupt,
        ErrorKind::Internal,
    ] {
        faults
            .inject(Rule::on_any(Call::ALL), Fault::refuse(kind))
            .unwrap();
    }
    for kind in [ErrorKind::Full, ErrorKind::Poisoned] {
        faults
            .inject(Rule::on(Call::Commit), Fault::refuse(kind))
            .unwrap();
    }
    let expired = Fault::refuse(ErrorKind::SnapshotExpired);
    faults.inject(Rule::on(Call::SnapshotGet), expired).unwrap();
}

#[test]
fn only_commits_have_unknown_outcomes() {
    let kind = ErrorKind::TimedOut;
    for fault in [
        Fault::lose_answer(kind),
        Fault::lose_request(kind),
        Fault::apply_late(kind, &Gate::new()),
    ] {
        refused(
            Rule::on_any([Call::Commit, Call::Get]),
            fault,
            "get has no outcome",
        );
    }
}

#[test]
fn only_reads_find_damaged_values() {
    refused(
        Rule::on(Call::Stats),
        Fault::corrupt(),
        "stats reads no value",
    );
}

#[test]
fn rules_that_can_never_apply_are_refused() {
    let fault = || Fault::refuse(ErrorKind::Internal);
    refused(Rule::on_any([]), fault(), "without calls");
    refused(Rule::on(Call::Get).nth(0), fault(), "counted from 1");
    refused(
        Rule::on(Call::Get).with_chance_percent(101),
        fault(),
        "100 percent",
    );
}
