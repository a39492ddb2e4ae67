//! What `StoreExt` and `ReadExt` make of a store that fails.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use storage_core::{
    ErrorKind, KeyRange, Outcome, ReadExt, ScanOptions, StoreExt,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Gate, Rule};

const KIND: ErrorKind = ErrorKind::TimedOut;

fn open() -> (FaultyStore<MemoryBackend>, Faults) {
    let faults = Faults::new();
    let store = FaultyStore::new(MemoryConfig::new().open(), &faults);
    block_on(store.put("k", "1")).unwrap();
    (store, faults)
}

fn value(store: &FaultyStore<MemoryBackend>) -> Option<String> {
    let entry = block_on(store.get("k")).unwrap()?;
    Some(String::from_utf8(entry.value().to_vec()).unwrap())
}

/// Every way in which a commit fails, and whether it was applied all the same.
fn failing_commits() -> [(Fault, Outcome, bool); 3] {
    [
        (Fault::refuse(KIND), Outcome::NotApplied, false),
        (Fault::lose_request(KIND), Outcome::Unknown, false),
        (Fault::lose_answer(KIND), Outcome::Unknown, true),
    ]
}

#[test]
fn a_delete_that_could_not_read_says_that_it_was_not_applied() {
    let (store, faults) = open();
    faults
        .inject(Rule::on(Call::Get), Fault::refuse(KIND))
        .unwrap();
    let error = block_on(store.delete("k")).unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome()),
        (KIND, Some(Outcome::NotApplied))
    );
    faults.withdraw_all();
    assert!(block_on(store.delete("k")).unwrap());
}

#[test]
fn a_delete_that_failed_says_again_whether_the_key_existed() {
    for (fault, outcome, applied) in failing_commits() {
        let (store, faults) = open();
        faults.inject(Rule::on(Call::Commit).nth(1), fault).unwrap();
        let error = block_on(store.delete("k")).unwrap_err();
        assert_eq!(error.outcome(), Some(outcome));
        assert_eq!(value(&store).is_none(), applied);
        assert_eq!(block_on(store.delete("k")).unwrap(), !applied);
    }
}

#[test]
fn a_swap_that_could_not_read_says_that_it_was_not_applied() {
    let (store, faults) = open();
    faults
        .inject(Rule::on(Call::Get), Fault::refuse(KIND))
        .unwrap();
    let swap = store.compare_and_swap("k", Some(b"1"), Some("2".into()));
    let error = block_on(swap).unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome()),
        (KIND, Some(Outcome::NotApplied))
    );
    faults.withdraw_all();
    assert_eq!(value(&store).as_deref(), Some("1"));
}

#[test]
fn a_swap_of_unknown_outcome_is_not_repeated_by_itself() {
    for (fault, outcome, applied) in failing_commits() {
        let (store, faults) = open();
        let before = faults.calls(Call::Commit);
        faults.inject(Rule::on(Call::Commit).nth(1), fault).unwrap();
        let swap = || block_on(store.compare_and_swap("k", Some(b"1"), Some("2".into())));
        let error = swap().unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (KIND, Some(outcome)));
        assert_eq!(faults.calls(Call::Commit), before + 1);
        assert_eq!(
            value(&store).as_deref(),
            Some(if applied { "2" } else { "1" })
        );
        assert_eq!(swap().is_ok(), !applied);
        assert_eq!(value(&store).as_deref(), Some("2"));
    }
}

#[test]
fn a_swap_that_arrives_late_does_not_undo_a_later_put() {
    let (store, faults) = open();
    let gate = Gate::new();
    let late = Fault::apply_late(KIND, &gate);
    faults.inject(Rule::on(Call::Commit).nth(1), late).unwrap();
    let swap = store.compare_and_swap("k", Some(b"1"), Some("2".into()));
    let error = block_on(swap).unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown));
    block_on(store.put("k", "3")).unwrap();
    gate.open();
    block_on(faults.settled());
    assert_eq!(value(&store).as_deref(), Some("3"));
}

#[test]
fn a_delete_that_arrives_late_removes_what_is_there_by_then() {
    let (store, faults) = open();
    let gate = Gate::new();
    let late = Fault::apply_late(KIND, &gate);
    faults.inject(Rule::on(Call::Commit).nth(1), late).unwrap();
    let error = block_on(store.delete("k")).unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown));
    assert_eq!(value(&store).as_deref(), Some("1"));
    gate.open();
    block_on(faults.settled());
    assert_eq!(value(&store), None);
    assert!(!block_on(store.delete("k")).unwrap());
}

#[test]
fn a_stream_whose_next_was_dropped_during_a_stall_loses_no_item() {
    let (store, faults) = open();
    block_on(store.put("l", "2")).unwrap();
    let mut scan = store.scan(KeyRange::all(), ScanOptions::new().entries_max(1));
    let mut keys = Vec::new();
    loop {
        let gate = Gate::new();
        let stall = faults
            .inject(Rule::on(Call::Scan).nth(1), Fault::hold(&gate))
            .unwrap();
        let polled = pin!(scan.next()).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled.is_pending(), gate.waiting() == 1);
        faults.withdraw(&stall);
        let item = match polled {
            Poll::Ready(item) => item,
            Poll::Pending => block_on(scan.next()),
        };
        match item.unwrap() {
            Some(item) => keys.push(item.key),
            None => break,
        }
    }
    assert_eq!(keys, ["k", "l"]);
    assert!(faults.injected() >= 2);
}

#[test]
fn a_stream_that_failed_is_at_its_end_and_a_new_one_is_whole() {
    let (store, faults) = open();
    faults
        .inject(Rule::on(Call::Scan).nth(1), Fault::refuse(KIND))
        .unwrap();
    let mut scan = store.scan_prefix("");
    assert_eq!(block_on(scan.next()).unwrap_err().kind(), KIND);
    assert_eq!(block_on(scan.next()).unwrap(), None);
    assert_eq!(block_on(store.scan_prefix("").collect()).unwrap().len(), 1);
}
