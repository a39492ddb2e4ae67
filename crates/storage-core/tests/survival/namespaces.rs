//! Namespaces of a store that fails.

use storage_core::{
    ErrorKind, KeyRange, Namespace, NamespaceExt, Outcome, ReadExt, Result, StoreExt, WriteBatch,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Injection, Rule};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// A store of four namespaces, of which each has 600 entries and so more than
/// one page has room for.
fn filled(faults: &Faults) -> FaultyStore<MemoryBackend> {
    let store = FaultyStore::new(MemoryConfig::new().open(), faults);
    for name in NAMES {
        let mut batch = WriteBatch::new();
        for number in 0..600_u16 {
            let key = child(name).key(number.to_be_bytes());
            batch = batch.put(key, "value");
        }
        block_on(store.commit(batch)).unwrap();
    }
    store
}

fn child(name: &str) -> Namespace {
    Namespace::root().child(name)
}

fn refuse_scan(faults: &Faults, number: u64) -> Injection {
    let refusal = Fault::refuse(ErrorKind::Unavailable);
    faults
        .inject(Rule::on(Call::Scan).nth(number), refusal)
        .unwrap()
}

/// Asks again and again, while the first scan fails, then the second, and so on.
fn ask_while_scans_fail<T: PartialEq + std::fmt::Debug>(
    faults: &Faults,
    ask: impl Fn() -> Result<T>,
) -> u64 {
    let whole = ask().unwrap();
    for number in 1.. {
        let refusal = refuse_scan(faults, number);
        let answer = ask();
        faults.withdraw_all();
        if refusal.times() == 0 {
            assert_eq!(answer.unwrap(), whole);
            return number - 1;
        }
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(ask().unwrap(), whole);
    }
    0
}

#[test]
fn a_measure_is_of_the_whole_namespace_or_an_error() {
    let faults = Faults::new();
    let store = filled(&faults);
    let measure = || block_on(store.measure(&Namespace::root()));
    assert_eq!(measure().unwrap().entries, 2_400);
    assert!(ask_while_scans_fail(&faults, measure) >= 2);
}

#[test]
fn a_list_of_namespaces_is_whole_or_an_error() {
    let faults = Faults::new();
    let store = filled(&faults);
    let list = || block_on(store.namespaces(&Namespace::root()));
    assert_eq!(list().unwrap(), NAMES);
    assert!(ask_while_scans_fail(&faults, list) >= 4);
}

#[test]
fn a_drop_that_fails_is_whole_or_nothing_and_can_be_repeated() {
    let kind = ErrorKind::TimedOut;
    for (fault, outcome, left) in [
        (Fault::refuse(kind), Outcome::NotApplied, 600),
        (Fault::lose_request(kind), Outcome::Unknown, 600),
        (Fault::lose_answer(kind), Outcome::Unknown, 0),
    ] {
        let faults = Faults::new();
        let store = filled(&faults);
        faults.inject(Rule::on(Call::Commit).nth(1), fault).unwrap();
        let error = block_on(store.drop_namespace(&child("b"))).unwrap_err();
        assert_eq!(error.outcome(), Some(outcome), "{error}");
        let entries = |name| block_on(store.measure(&child(name))).unwrap().entries;
        assert_eq!(entries("b"), left);

        block_on(store.drop_namespace(&child("b"))).unwrap();
        assert_eq!(entries("b"), 0);
        let names = block_on(store.namespaces(&Namespace::root())).unwrap();
        assert_eq!(names, ["a", "c", "d"]);
        assert_eq!(block_on(store.count(KeyRange::all())).unwrap(), 1_800);
    }
}
