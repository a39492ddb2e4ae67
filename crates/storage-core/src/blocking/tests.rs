//! Claims about blocking stores.

use std::{
    future::poll_fn,
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use super::{BlockingStore, block_on};
use crate::{
    ErrorKind, KeyRange, Maintenance, OwnedKey, ScanOptions, WriteBatch, layer::altered::Altered,
    memory::MemoryConfig,
};

#[test]
fn block_on_sleeps_until_it_is_woken() {
    let mut polls = 0;
    let answer = block_on(poll_fn(|context| {
        polls += 1;
        if polls == 3 {
            return Poll::Ready(polls);
        }
        let waker: Waker = context.waker().clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(5));
            waker.wake();
        });
        Poll::Pending
    }));
    assert_eq!(answer, 3);
}

#[test]
fn a_wake_is_kept_though_the_future_uses_up_the_token_of_the_thread() {
    let mut polls = 0;
    block_on(poll_fn(|context| {
        polls += 1;
        if polls == 2 {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        thread::park();
        Poll::Pending
    }));
}

#[test]
fn every_call_waits_for_its_answer() {
    let store = BlockingStore::new(MemoryConfig::new().open()).unwrap();
    store.put("a", "1").unwrap();
    store.put_for("b", "2", Duration::from_mins(1)).unwrap();
    assert!(store.exists("a").unwrap());
    let entry = store.get("b").unwrap().unwrap();
    assert!(entry.expires().is_some());
    let keys = [OwnedKey::from("a"), OwnedKey::from("z")];
    let found = store.get_many(&keys).unwrap();
    assert_eq!(
        found.iter().map(Option::is_some).collect::<Vec<_>>(),
        [true, false]
    );

    let snapshot = store.snapshot().unwrap();
    store.compare_and_swap("a", Some(b"1"), None).unwrap();
    let error = store.compare_and_swap("a", Some(b"1"), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(store.delete("b").unwrap());
    assert!(!store.delete("b").unwrap());
    assert_eq!(store.count(KeyRange::all()).unwrap(), 0);
    assert_eq!(snapshot.count(KeyRange::all()).unwrap(), 2);

    store
        .commit(WriteBatch::new().put("c/1", "").put("c/2", "").put("d", ""))
        .unwrap();
    let one_a_page = ScanOptions::new().entries_max(1);
    let keys: Vec<_> = store
        .scan(KeyRange::all(), one_a_page)
        .map(|item| item.unwrap().key)
        .collect();
    assert_eq!(keys, ["c/1", "c/2", "d"]);
    assert_eq!(store.scan_prefix("c/").count(), 2);
    store.delete_range(KeyRange::prefix("c/")).unwrap();
    assert_eq!(store.count(KeyRange::all()).unwrap(), 1);

    assert!(store.health().unwrap().is_well());
    assert!(store.check().unwrap().damages.is_empty());
    let error = store.maintain(Maintenance::Vacuum).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    store.stats().unwrap();
    store.close().unwrap();
    assert_eq!(store.get("d").unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_scan_that_fails_is_at_its_end() {
    let store = BlockingStore::new(MemoryConfig::new().open()).unwrap();
    store.close().unwrap();
    let mut scan = store.scan(KeyRange::all(), ScanOptions::new());
    assert!(scan.next().unwrap().is_err());
    assert!(scan.next().is_none());
}

#[test]
fn a_plain_store_is_driven_within_a_runtime_too() {
    let store = BlockingStore::new(MemoryConfig::new().open()).unwrap();
    in_a_runtime(|| store.put("a", "1").map(drop)).unwrap();
}

fn slow() -> Altered<crate::memory::MemoryBackend> {
    Altered::slow(MemoryConfig::new().open(), Duration::from_millis(2))
}

fn in_a_runtime<T>(work: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async { work() })
}

#[cfg(not(feature = "runtime"))]
#[test]
fn without_the_feature_a_store_that_needs_timers_is_refused() {
    let error = BlockingStore::new(slow()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("`runtime`"), "{error}");
    let error = BlockingStore::open(async { Ok(slow()) }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[cfg(feature = "runtime")]
mod with_a_runtime {
    use super::*;

    #[test]
    fn timers_run() {
        let store = BlockingStore::new(slow()).unwrap();
        store.put("a", "1").unwrap();
        assert!(store.exists("a").unwrap());
        let store = &store;
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(move || assert!(store.exists("a").unwrap()));
            }
        });
    }

    #[test]
    fn a_store_is_opened_with_timers() {
        let store = BlockingStore::open(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(slow())
        })
        .unwrap();
        assert!(!store.exists("a").unwrap());
        BlockingStore::open(async { Ok(MemoryConfig::new().open()) }).unwrap();
    }

    #[test]
    fn calls_within_another_runtime_are_refused_and_nothing_panics() {
        let store = BlockingStore::new(slow()).unwrap();
        in_a_runtime(move || {
            let error = store.exists("a").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            let error = store.scan_prefix("").next().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            // Dropping the last handle here drops its runtime.
            drop(store);
        });
    }
}
