//! Where values are worked on.

use storage_compress::CompressConfig;
use storage_core::{
    Components, KeyRange, ReadExt, ScanOptions, StoreExt, WriteBatch, blocking::block_on,
};

use crate::scene::{Counting, Scene};

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
    for (values, expected) in [(1_024, 0), (1_025, 1)] {
        let put = |batch: WriteBatch, key: u32| batch.put(format!("{key:04}"), "");
        let batch = (0..values).fold(WriteBatch::new(), put);
        let commit = || assert!(block_on(scene.store.commit(batch.clone())).is_ok());
        assert_eq!(jobs_during(counting, commit), expected, "{values}");
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
