//! Copies and bulk loads over stores that fail at each of their calls in turn.

#![expect(clippy::print_stdout, reason = "a test says at which call it failed")]

use storage_core::{
    ErrorKind, KeyRange, Outcome, Put, ReadExt, StoreExt, SystemKeys, WriteBatch,
    blocking::block_on,
    bulk::{
        BulkLimits, BulkWriter, CopyOptions, CopySource, CopyStart, Unchanged, unfinished_copy,
    },
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Rule};

const ENTRIES: u64 = 60;

/// What a call may be struck by: refused, or a commit whose end is not known.
fn fault_of(number: usize) -> (Vec<Call>, Fault) {
    let calls = [&Call::READS[..], &[Call::Commit, Call::Snapshot]].concat();
    match number {
        0 => (calls, Fault::refuse(ErrorKind::Unavailable)),
        1 => (vec![Call::Commit], Fault::lose_answer(ErrorKind::TimedOut)),
        2 => (vec![Call::Commit], Fault::lose_request(ErrorKind::TimedOut)),
        _ => (Call::READS.to_vec(), Fault::corrupt()),
    }
}

fn filled() -> MemoryBackend {
    let store = MemoryConfig::new().open();
    let mut batch = WriteBatch::new().put(SystemKeys::of("dedup").key("row"), "own");
    for number in 1..ENTRIES {
        batch = batch.put(&number.to_be_bytes(), number.to_string());
    }
    block_on(store.commit(batch)).unwrap();
    store
}

fn options(start: CopyStart) -> CopyOptions {
    let mut options = CopyOptions::starting(start);
    options.limits.entries_max = 9;
    options
}

/// Copies and verifies, as a caller does who stops at the first error.
async fn copy(
    from: &FaultyStore<MemoryBackend>,
    to: &FaultyStore<MemoryBackend>,
    start: CopyStart,
) -> storage_core::Result<()> {
    let source = CopySource::of_snapshot(from).await?;
    source.copy_to(to, &options(start), |_| Ok(())).await?;
    source.verify(to, |_| Ok(())).await?;
    Ok(())
}

#[test]
fn a_copy_that_fails_at_any_call_of_either_store_is_resumed_to_the_same() {
    for number in 0..4 {
        for at_target in [true, false] {
            for nth in 1.. {
                let (calls, fault) = fault_of(number);
                let faults = Faults::new();
                let injection = faults.inject(Rule::on_any(calls).nth(nth), fault).unwrap();
                let calm = Faults::new();
                let (from_faults, to_faults) = if at_target {
                    (&calm, &faults)
                } else {
                    (&faults, &calm)
                };
                let to = MemoryConfig::new().open();
                let from = FaultyStore::new(filled(), from_faults);
                let target = FaultyStore::new(to.clone(), to_faults);
                let copied = block_on(copy(&from, &target, CopyStart::Resume));
                if injection.times() == 0 {
                    copied.unwrap();
                    break;
                }
                faults.withdraw_all();
                println!("fault {number}, call {nth}, target {at_target}");
                check_end(&from, &target, &to, &copied);
            }
        }
    }
}

/// A copy that failed is marked, unless nothing of it is there or its very last
/// commit was made and not answered; and it is resumed.
fn check_end(
    from: &FaultyStore<MemoryBackend>,
    target: &FaultyStore<MemoryBackend>,
    to: &MemoryBackend,
    copied: &storage_core::Result<()>,
) {
    let error = copied.as_ref().unwrap_err();
    let holds = block_on(to.count(KeyRange::all())).unwrap();
    let is_marked = block_on(unfinished_copy(to)).unwrap().is_some();
    if is_marked || holds == 0 {
        block_on(copy(from, target, CopyStart::Resume)).unwrap();
    } else {
        let is_unknown = error.outcome() == Some(Outcome::Unknown);
        assert!(is_unknown, "{error}");
    }
    let source = block_on(CopySource::of_snapshot(from)).unwrap();
    let digest = block_on(source.verify(to, |_| Ok(()))).unwrap();
    assert_eq!(digest.count.entries, ENTRIES);
}

#[test]
fn a_load_claims_no_more_than_the_store_has() {
    let limits = BulkLimits {
        entries_max: 9,
        ..BulkLimits::default()
    };
    for number in 0..3 {
        for unchanged in [Unchanged::Rewrite, Unchanged::LeaveOut] {
            for nth in 1.. {
                let (calls, fault) = fault_of(number);
                let faults = Faults::new();
                let injection = faults.inject(Rule::on_any(calls).nth(nth), fault).unwrap();
                let below = MemoryConfig::new().open();
                let store = FaultyStore::new(below.clone(), &faults);
                let failed = block_on(async {
                    let mut writer = BulkWriter::new(&store, limits, unchanged);
                    for number in 0..ENTRIES {
                        if let Err(error) = writer.put(Put::new(&number.to_be_bytes(), "v")).await {
                            let claimed = writer.acknowledged().written.entries;
                            assert!(claimed <= below.count(KeyRange::all()).await.unwrap());
                            return Some(error);
                        }
                    }
                    writer.finish().await.err()
                });
                if injection.times() == 0 {
                    assert!(failed.is_none());
                    break;
                }
                let error = failed.expect("the fault is reported");
                assert_eq!(error.message(), "a fault that a test injected");
            }
        }
    }
}

/// A caller that adds the same again after an error, as the errors of a busy
/// store ask for, loses nothing.
#[test]
fn a_load_that_is_tried_again_has_everything_or_says_that_it_cannot_know() {
    let limits = BulkLimits {
        entries_max: 9,
        ..BulkLimits::default()
    };
    for number in 0..3 {
        for unchanged in [Unchanged::Rewrite, Unchanged::LeaveOut] {
            // One batch fewer than there are: the last is committed by `finish`.
            for nth in 1..ENTRIES.div_ceil(9) {
                let (_, fault) = fault_of(number);
                let faults = Faults::new();
                let rule = Rule::on(Call::Commit).nth(nth);
                let injection = faults.inject(rule, fault).unwrap();
                let below = MemoryConfig::new().open();
                let store = FaultyStore::new(below.clone(), &faults);
                let mut writer = BulkWriter::new(&store, limits, unchanged);
                let mut is_in_doubt = false;
                for number in 0..ENTRIES {
                    let put = || Put::new(&number.to_be_bytes(), "v");
                    let Err(error) = block_on(writer.put(put())) else {
                        continue;
                    };
                    is_in_doubt |= error.outcome() == Some(Outcome::Unknown);
                    let again = block_on(writer.put(put()));
                    if is_in_doubt {
                        assert_eq!(again.unwrap_err().kind(), ErrorKind::Poisoned);
                    } else {
                        again.unwrap();
                    }
                }
                assert_eq!(injection.times(), 1);
                assert_eq!(is_in_doubt, number != 0);
                match block_on(writer.finish()) {
                    Ok(report) => {
                        assert!(!is_in_doubt);
                        assert_eq!(report.written.entries, ENTRIES);
                        let holds = block_on(below.count(KeyRange::all())).unwrap();
                        assert_eq!(holds, ENTRIES);
                    }
                    Err(error) => {
                        assert!(is_in_doubt, "{error}");
                        assert_eq!(error.kind(), ErrorKind::Poisoned);
                    }
                }
            }
        }
    }
}
