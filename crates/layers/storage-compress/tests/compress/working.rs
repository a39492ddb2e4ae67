//! Where values are worked on.

use std::{
    pin::{Pin, pin},
    task::{Context, Waker},
};

use storage_compress::CompressConfig;
use storage_core::{
    Components, KeyRange, ReadExt, ScanOptions, Store, StoreExt, WriteBatch, blocking::block_on,
};

use crate::scene::{Counting, Held, Scene, noise};

fn scene() -> (Scene, &'static Counting) {
    let counting: &'static Counting = Box::leak(Box::default());
    let components = Components::default().with_executor(counting);
    let config = CompressConfig::new().inline_bytes_max(1_000);
    (Scene::of(config, components), counting)
}

fn jobs_during(counting: &Counting, work: impl FnOnce()) -> usize {
    let before = *counting.jobs.lock().unwrap();
    work();
    *counting.jobs.lock().unwrap() - before
}

#[test]
fn many_bytes_are_worked_on_by_the_pool_and_few_are_not() {
    let (scene, counting) = scene();
    for (bytes, expected) in [(1_000, 0), (1_001, 1)] {
        let value = "a".repeat(bytes);
        let put = || scene.put("k", value.clone());
        assert_eq!(jobs_during(counting, put), expected, "{bytes}");
        let get = || assert_eq!(scene.get("k").unwrap().unwrap(), value);
        assert_eq!(jobs_during(counting, get), expected, "{bytes}");
    }
}

#[test]
fn long_values_that_look_random_are_stored_by_their_caller_up_to_sixteen_times_as_much() {
    let counting: &'static Counting = Box::leak(Box::default());
    let components = Components::default().with_executor(counting);
    let inline = 16 << 10;
    let config = CompressConfig::new().inline_bytes_max(inline);
    let scene = Scene::of(config.dictionaries(None), components);
    let (long, most) = ((64 << 10) + 1, 16 * inline);
    let text = |bytes| vec![b'a'; bytes];
    for (values, is_pooled) in [
        (vec![noise(1, most)], false),
        (vec![noise(1, most + 1)], true),
        (vec![text(most)], true),
        // All of it would have to be compressed.
        (vec![[noise(1, most / 2), text(most / 2)].concat()], true),
        (vec![noise(1, long), noise(2, long)], false),
        (vec![noise(1, long - 1)], true),
        (vec![noise(1, most / 2), text(inline)], false),
        (vec![noise(1, most / 2), text(inline + 1)], true),
    ] {
        let mut batch = WriteBatch::new();
        for (number, value) in (0..).zip(&values) {
            batch = batch.put(format!("{number}"), value.clone());
        }
        let lengths: Vec<_> = values.iter().map(Vec::len).collect();
        let commit = || assert!(block_on(scene.store.commit(batch.clone())).is_ok());
        assert_eq!(jobs_during(counting, commit) > 0, is_pooled, "{lengths:?}");
        for (number, value) in (0..).zip(&values) {
            let key = format!("{number}");
            assert_eq!(scene.get(&key).unwrap().unwrap(), *value, "{lengths:?}");
        }
    }
}

#[test]
fn a_slow_level_compresses_less_on_its_caller_s_thread_and_decodes_as_much() {
    let counting: &'static Counting = Box::leak(Box::default());
    let components = Components::default().with_executor(counting);
    let config = CompressConfig::new().inline_bytes_max(64_000).level(19);
    let scene = Scene::of(config, components);
    for (bytes, expected) in [(1_000, 0), (1_001, 1)] {
        let put = || scene.put("k", "a".repeat(bytes));
        assert_eq!(jobs_during(counting, put), expected, "{bytes}");
        let get = || drop(scene.get("k").unwrap());
        assert_eq!(jobs_during(counting, get), 0, "{bytes}");
    }
}

#[test]
fn many_values_are_worked_on_by_the_pool_even_if_they_are_empty() {
    let (scene, counting) = scene();
    // The store below commits so many on a thread of its own, and the pool hears of it or not.
    for (values, is_pooled) in [(1_024, false), (1_025, true)] {
        let put = |batch: WriteBatch, key: u32| batch.put(format!("{key:04}"), "");
        let batch = (0..values).fold(WriteBatch::new(), put);
        let commit = || assert!(block_on(scene.store.commit(batch.clone())).is_ok());
        assert_eq!(jobs_during(counting, commit) > 0, is_pooled, "{values}");
    }
}

#[test]
fn what_counts_is_what_a_call_works_on_in_all() {
    let (scene, counting) = scene();
    let value = "a".repeat(600);
    let batch = |keys: &[&str]| {
        let put = |batch: WriteBatch, key: &&str| batch.put(*key, value.clone());
        keys.iter().fold(WriteBatch::new(), put)
    };
    for (keys, expected) in [(&["a"][..], 0), (&["a", "b"], 1)] {
        let commit = || assert!(block_on(scene.store.commit(batch(keys))).is_ok());
        assert_eq!(jobs_during(counting, commit), expected);
        let many: Vec<_> = keys.iter().map(|key| (*key).into()).collect();
        let get = || drop(block_on(scene.store.get_many(&many)).unwrap());
        assert_eq!(jobs_during(counting, get), expected);
        let scan = || {
            let scan = scene.store.scan(KeyRange::all(), ScanOptions::new());
            assert_eq!(block_on(scan.collect()).unwrap().len(), keys.len());
        };
        assert_eq!(jobs_during(counting, scan), expected);
    }
}

/// A store whose pool is held, and a value that is compressed there.
fn held() -> (Scene, &'static Held, WriteBatch) {
    let held: &'static Held = Box::leak(Box::default());
    let components = Components::default().with_executor(held);
    let scene = Scene::of(CompressConfig::new(), components);
    let batch = WriteBatch::new().put("k", "a".repeat(100_000));
    (scene, held, batch)
}

pub(crate) fn is_pending(future: Pin<&mut impl Future>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    future.poll(&mut context).is_pending()
}

#[test]
fn a_large_commit_that_was_polled_once_is_made() {
    for is_kept in [false, true] {
        let (scene, pool, batch) = held();
        let mut commit = Box::pin(scene.store.commit(batch));
        assert!(is_pending(commit.as_mut()));
        // A cache that has taken a commit over keeps it, and may not poll it for long.
        let kept = is_kept.then_some(commit);
        pool.do_all();
        assert!(block_on(scene.below.exists("k")).unwrap());
        drop(kept);
    }
}

#[test]
fn closing_waits_for_commits_that_are_being_compressed() {
    let (scene, pool, batch) = held();
    let mut commit = pin!(scene.store.commit(batch));
    assert!(is_pending(commit.as_mut()));
    let mut closing = pin!(scene.store.close());
    assert!(is_pending(closing.as_mut()));
    assert!(pool.0.lock().unwrap().len() == 1, "it closes already");
    pool.do_all();
    block_on(commit).unwrap();
}
