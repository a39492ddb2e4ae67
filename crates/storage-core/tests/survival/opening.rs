//! Opening a stack on a store that fails at any of the calls it takes.

use storage_core::{
    Components, ErrorKind, KeyRange, Operation, Outcome, ReadExt, Result, Space, Stack, Store,
    StoreExt, StoreHeader, StoreId,
    blocking::block_on,
    layer::{Layer, LayerDeclaration, LayerFormat, phase::Compress},
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Gate, Rule};

/// A layer that alters nothing, though it says so.
#[derive(Debug)]
struct Formatted(u32);

impl Layer for Formatted {
    type Phase = Compress;
    type Store<S: Store> = S;

    fn declaration(&self) -> LayerDeclaration {
        LayerDeclaration::new("formatted").stored_as(LayerFormat::new(self.0, ""))
    }

    async fn wrap<S: Store>(self, inner: S, _: &Components) -> Result<S> {
        Ok(inner)
    }
}

/// Opens a store whose layer writes the stored form of this version.
fn open(store: impl Store, version: u32) -> Result<()> {
    block_on(Stack::on(store).with(Formatted(version)).open()).map(drop)
}

fn id(store: &MemoryBackend) -> Option<StoreId> {
    block_on(StoreHeader::read(store))
        .unwrap()
        .map(|header| header.id)
}

/// Everything that can happen to the calls that opening makes.
fn everything_that_can_happen() -> Vec<(Vec<Call>, Fault)> {
    let kind = ErrorKind::Unavailable;
    vec![
        (Call::ALL.to_vec(), Fault::refuse(kind)),
        (vec![Call::Get, Call::Scan], Fault::corrupt()),
        (vec![Call::Commit], Fault::lose_answer(kind)),
        (vec![Call::Commit], Fault::lose_request(kind)),
    ]
}

/// Makes each fault happen to the first call of an opening, to the second, and
/// so on, until none is left that it could happen to. After each failure the
/// store must open, with the identity it had or was given. Returns how many
/// openings failed.
fn fail_everywhere(begin: impl Fn(&MemoryBackend), version: u32) -> u64 {
    let mut failures = 0;
    for (calls, fault) in everything_that_can_happen() {
        for number in 1.. {
            let store = MemoryConfig::new().open();
            begin(&store);
            let (before, entries) = (id(&store), count(&store, Space::User));
            let faults = Faults::new();
            let failing = FaultyStore::new(store.clone(), &faults);
            let rule = Rule::on_any(calls.clone()).nth(number);
            let injection = faults.inject(rule, fault.clone()).unwrap();
            let opened = open(failing, version);
            if injection.times() == 0 {
                opened.unwrap();
                // Past the last call; damage only happens where there is a value.
                if faults.calls(Call::Get) + faults.calls(Call::Scan) + faults.calls(Call::Commit)
                    < number
                {
                    break;
                }
                continue;
            }
            failures += 1;
            let error = opened.unwrap_err();
            assert_eq!(error.layer(), Some("faulty"), "{error}");
            assert!(error.operation().is_some(), "{error}");

            let left = id(&store);
            assert!(before.is_none() || left == before, "{fault:?} at {number}");
            open(store.clone(), version).unwrap();
            assert!(
                left.is_none() || left == id(&store),
                "{fault:?} at {number}"
            );
            assert_eq!(count(&store, Space::System), 1, "{fault:?} at {number}");
            assert_eq!(count(&store, Space::User), entries, "{fault:?} at {number}");
        }
    }
    failures
}

fn count(store: &MemoryBackend, space: Space) -> u64 {
    block_on(store.count(KeyRange::all().in_space(space))).unwrap()
}

#[test]
fn a_new_store_that_failed_to_open_opens_later_with_one_identity() {
    // It looks for a mark and for the header, looks into both spaces, and commits.
    assert_eq!(fail_everywhere(|_| {}, 1), 7);
}

#[test]
fn a_store_with_data_that_failed_to_open_keeps_its_identity_and_data() {
    let begin = |store: &MemoryBackend| {
        open(store.clone(), 1).unwrap();
        block_on(store.put("k", "v")).unwrap();
    };
    assert_eq!(fail_everywhere(begin, 1), 3);
}

#[test]
fn a_newer_layer_that_failed_to_take_a_store_over_takes_it_over_later() {
    let begin = |store: &MemoryBackend| {
        open(store.clone(), 1).unwrap();
        block_on(store.put("k", "v")).unwrap();
    };
    assert_eq!(fail_everywhere(begin, 2), 6);
}

#[test]
fn a_header_that_arrives_late_does_not_replace_the_one_that_was_written_since() {
    let (store, faults, gate) = (MemoryConfig::new().open(), Faults::new(), Gate::new());
    let failing = FaultyStore::new(store.clone(), &faults);
    let late = Fault::apply_late(ErrorKind::TimedOut, &gate);
    faults.inject(Rule::on(Call::Commit).nth(1), late).unwrap();

    let error = open(failing.clone(), 1).unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown));
    open(failing, 1).unwrap();
    let given = id(&store).unwrap();
    gate.open();
    block_on(faults.settled());
    assert_eq!(id(&store), Some(given));
}

#[test]
fn a_failed_opening_names_the_call_that_failed_and_leaves_nothing() {
    let faults = Faults::new();
    let store = MemoryConfig::new().open();
    let failing = FaultyStore::new(store.clone(), &faults);
    let refusal = Fault::refuse(ErrorKind::Unavailable);
    faults.inject(Rule::on(Call::Scan), refusal).unwrap();
    let error = open(failing, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.operation(), Some(Operation::Scan));
    assert_eq!(count(&store, Space::System), 0);
}
