//! Dictionaries whose commit nobody knows the outcome of.

use bytes::Bytes;
use storage_compress::{CompressConfig, CompressLayer, CompressStore};
use storage_core::{
    ErrorKind, ReadExt, Stack, Store, StoreExt,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::{
    faulty::{Call, Fault, Faults, FaultyStore, Gate, Injection, Rule},
    json::Records,
};

use super::scene::{key, quick};
use crate::{
    golden::row_key,
    scene::{Scene, working_at_once},
};

/// From how many values a dictionary is made.
const SAMPLES: u32 = 256;

/// After how many more the next is tried, if nothing came of the first.
const UNTIL_THE_NEXT: u32 = 16 * SAMPLES + SAMPLES;

/// A store that learns, over one that does not say what became of dictionaries.
struct Uncertain {
    store: CompressStore<FaultyStore<MemoryBackend>>,
    below: MemoryBackend,
    faults: Faults,
    records: Records,
}

impl Uncertain {
    fn new() -> Self {
        let (below, faults) = (MemoryConfig::new().open(), Faults::new());
        let opening = Stack::on(FaultyStore::new(below.clone(), &faults))
            .with(CompressLayer::new(
                CompressConfig::new().dictionaries(Some(quick())),
            ))
            .components(working_at_once())
            .open();
        Self {
            store: block_on(opening).unwrap(),
            below,
            faults,
            records: Records::new(7),
        }
    }

    /// Makes this happen to the next commit of a dictionary.
    fn inject(&self, fault: Fault) -> Injection {
        let row = Rule::on(Call::Commit).key(row_key(0)).nth(1);
        self.faults.inject(row, fault).unwrap()
    }

    /// Puts records under keys from `first` on.
    fn fill(&self, first: u32, values: u32) -> Vec<String> {
        let put = |number| {
            let record = self.records.account();
            block_on(self.store.put(key("", number), record.clone())).unwrap();
            record
        };
        (first..first + values).map(put).collect()
    }

    /// Which dictionary a value is stored with, if with any.
    fn dictionary_of(&self, number: u32) -> Option<u8> {
        let entry = block_on(self.below.get(&key("", number))).unwrap();
        let form = entry.unwrap().into_value();
        form.strip_prefix(&[4])?.first().copied()
    }

    fn row(&self) -> Option<Bytes> {
        let entry = block_on(self.below.get(&row_key(0))).unwrap();
        entry.map(storage_core::Entry::into_value)
    }

    /// Checks that all values are read, by this store and by one that is opened now, and
    /// that there is one dictionary for them.
    fn assert_is_sound(self, values: &[String]) {
        let fresh = Scene::over(self.below.clone(), CompressConfig::new(), working_at_once());
        assert_eq!(fresh.rows(), 1);
        for (number, value) in (0..).zip(values) {
            let key = key("", number);
            for entry in [
                block_on(self.store.get(&key)).unwrap(),
                block_on(fresh.store.get(&key)).unwrap(),
            ] {
                assert_eq!(entry.unwrap().value(), value.as_bytes(), "{number}");
            }
        }
        assert_eq!(block_on(fresh.store.check()).unwrap().damages, []);
        block_on(self.store.close()).unwrap();
    }
}

#[test]
fn a_dictionary_that_was_stored_though_nobody_said_so_is_used_later_and_not_made_twice() {
    let scene = Uncertain::new();
    let lost = scene.inject(Fault::lose_answer(ErrorKind::TimedOut));
    let mut values = scene.fill(0, SAMPLES);
    assert_eq!(lost.times(), 1);
    let row = scene.row().unwrap();
    values.extend(scene.fill(SAMPLES, UNTIL_THE_NEXT + 1));
    assert!((0..SAMPLES + 10).all(|number| scene.dictionary_of(number).is_none()));
    assert_eq!(scene.dictionary_of(SAMPLES + UNTIL_THE_NEXT), Some(0));
    assert!(scene.row() == Some(row), "it is another one");
    scene.assert_is_sound(&values);
}

#[test]
fn a_dictionary_that_was_not_stored_is_not_used_and_another_is_made() {
    let scene = Uncertain::new();
    let lost = scene.inject(Fault::lose_request(ErrorKind::TimedOut));
    let mut values = scene.fill(0, SAMPLES + 10);
    assert_eq!((lost.times(), scene.row()), (1, None));
    assert!((0..SAMPLES + 10).all(|number| scene.dictionary_of(number).is_none()));
    values.extend(scene.fill(SAMPLES + 10, UNTIL_THE_NEXT));
    assert_eq!(scene.dictionary_of(SAMPLES + 9 + UNTIL_THE_NEXT), Some(0));
    scene.assert_is_sound(&values);
}

#[test]
fn a_dictionary_that_is_stored_late_takes_no_other_ones_place() {
    for is_before_the_next in [true, false] {
        let (scene, gate) = (Uncertain::new(), Gate::new());
        let late = scene.inject(Fault::apply_late(ErrorKind::TimedOut, &gate));
        let mut values = scene.fill(0, SAMPLES + 10);
        assert_eq!((late.times(), scene.row()), (1, None));
        let arrive = || {
            gate.open();
            block_on(scene.faults.settled());
            scene.row().unwrap()
        };
        let arrived = is_before_the_next.then(arrive);
        values.extend(scene.fill(SAMPLES + 10, UNTIL_THE_NEXT));
        assert_eq!(scene.dictionary_of(SAMPLES + 9 + UNTIL_THE_NEXT), Some(0));
        let used = scene.row().unwrap();
        assert!(arrived.unwrap_or_else(arrive) == used, "it is another one");
        scene.assert_is_sound(&values);
    }
}

/// What was begun is ended, though the store was dropped: it stays open until then.
#[test]
fn a_dictionary_that_is_being_stored_when_the_store_is_dropped_is_stored() {
    let scene = Uncertain::new();
    let gate = Gate::new();
    let looks = Rule::on(Call::Scan).nth(1);
    scene.faults.inject(looks, Fault::hold(&gate)).unwrap();
    scene.fill(0, SAMPLES);
    block_on(gate.wait_for_arrival());
    let Uncertain { store, below, .. } = scene;
    drop(store);
    assert!(block_on(below.get(&row_key(0))).unwrap().is_none());
    gate.open();
    assert!(block_on(below.get(&row_key(0))).unwrap().is_some());
}
