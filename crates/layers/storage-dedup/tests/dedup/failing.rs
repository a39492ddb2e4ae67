//! A collector that is interrupted anywhere, and commits whose answers are lost.

use std::time::Duration;

use storage_core::{
    ErrorKind, ReadExt, Stack, Store, StoreExt, blocking::block_on, memory::MemoryConfig,
};
use storage_dedup::{CollectConfig, DedupControl, DedupLayer};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Rule};

use crate::scene::{config, noise};

/// The nth call of the collector fails; what was done until then leaves a sound store,
/// which the next pass finishes. Its hints take two pages.
#[test]
fn a_pass_that_ends_anywhere_leaves_a_sound_store() {
    let calls = [Call::Commit, Call::Scan, Call::GetMany];
    for fault in [Fault::refuse, Fault::lose_answer, Fault::lose_request] {
        for call in calls {
            if call != Call::Commit
                && Faults::new()
                    .inject(Rule::on(call), fault(ErrorKind::TimedOut))
                    .is_err()
            {
                continue;
            }
            let mut failed = 0;
            for nth in 1.. {
                let faults = Faults::new();
                let below = FaultyStore::new(MemoryConfig::new().open(), &faults);
                let collect = CollectConfig::new().on_demand().grace(Duration::ZERO);
                let opening = Stack::on(below)
                    .with(DedupLayer::new(config().collect(collect)))
                    .open();
                let store = block_on(opening).unwrap();
                for number in 0..300 {
                    block_on(store.put(format!("{number}"), noise(number % 20, 64))).unwrap();
                }
                for number in 0..290 {
                    block_on(store.delete(&format!("{number}"))).unwrap();
                }
                let injection = faults.inject(Rule::on(call).nth(nth), fault(ErrorKind::TimedOut));
                let injection = injection.unwrap();
                let control: &DedupControl = store.find().unwrap();
                let pass = block_on(control.collect_now());
                faults.withdraw_all();
                assert_eq!(
                    block_on(store.check()).unwrap().damages,
                    [],
                    "{call:?} {nth}"
                );
                block_on(control.collect_now()).unwrap();
                let last = block_on(control.collect_now()).unwrap();
                assert_eq!(
                    (last.live_chunks, last.pending_chunks),
                    (10, 0),
                    "{call:?} {nth}"
                );
                assert_eq!(block_on(store.check()).unwrap().damages, []);
                for number in 290..300 {
                    let entry = block_on(store.get(&format!("{number}"))).unwrap().unwrap();
                    assert_eq!(entry.value(), &noise(number % 20, 64));
                }
                if injection.times() == 0 {
                    pass.unwrap();
                    break;
                }
                failed += 1;
            }
            assert!(failed > 0, "{call:?}");
        }
    }
}
