//! Writers, readers and collectors at once, without any grace.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use storage_core::{
    KeyRange, ReadExt, ScanOptions, SeededRandom, StoreExt, WriteBatch, blocking::block_on,
};
use storage_dedup::{CollectConfig, DedupStore};

use crate::scene::{Scene, config, noise};

const KEYS: u64 = 6;
const VALUES: u64 = 4;
const STEPS: usize = 400;

/// Values of one chunk and of several, all of which are written again and again.
fn value(number: u64) -> Vec<u8> {
    noise(number, if number.is_multiple_of(2) { 300 } else { 3_000 })
}

fn assert_legal(read: &[u8]) {
    let legal = (0..VALUES).any(|number| value(number) == read);
    assert!(legal, "a value of {} bytes that nobody wrote", read.len());
}

fn write<S: storage_core::Store>(store: &DedupStore<S>, seed: u64) {
    let random = SeededRandom::new(seed);
    for _ in 0..STEPS {
        let key = (random.next_u64() % KEYS).to_string();
        let number = random.next_u64() % VALUES;
        match random.next_u64() % 8 {
            0..=3 => drop(block_on(store.put(&key, value(number))).unwrap()),
            4 => drop(block_on(store.delete(&key)).unwrap()),
            5 => drop(block_on(store.delete_range(KeyRange::between("2".."4"))).unwrap()),
            6 => {
                let batch = WriteBatch::new()
                    .delete(&key)
                    .put(&key, value(number))
                    .put("both", value(number));
                block_on(store.commit(batch)).unwrap();
            }
            _ => {
                let expected = value(number);
                let new = value((number + 1) % VALUES);
                let swap = store.compare_and_swap(&key, Some(&expected), Some(new.into()));
                // It may well be another value.
                let _ = block_on(swap);
            }
        }
    }
}

fn read<S: storage_core::Store>(store: &DedupStore<S>, is_over: &AtomicBool) {
    let keys: Vec<_> = (0..KEYS).map(|key| key.to_string().into()).collect();
    while !is_over.load(Ordering::Relaxed) {
        for entry in block_on(store.get_many(&keys)).unwrap().iter().flatten() {
            assert_legal(entry.value());
        }
        if let Some(entry) = block_on(store.get("both")).unwrap() {
            assert_legal(entry.value());
        }
        let items = store.scan(KeyRange::all(), ScanOptions::new()).collect();
        for item in block_on(items).unwrap() {
            assert_legal(item.entry.value());
        }
    }
}

#[test]
fn no_value_is_lost_while_all_that_nobody_refers_to_is_removed() {
    let collect = CollectConfig::new().on_demand().grace(Duration::ZERO);
    let scene = Scene::with(config().known_max(4).collect(collect));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (store, is_over) = (&scene.store, &is_over);
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    scene.collect();
                }
            });
        }
        let readers = [(); 2].map(|()| scope.spawn(|| read(store, is_over)));
        let writers = [1, 2, 3].map(|seed| scope.spawn(move || write(store, seed)));
        let ended = writers.map(thread::ScopedJoinHandle::join);
        is_over.store(true, Ordering::Relaxed);
        for ended in ended
            .into_iter()
            .chain(readers.map(thread::ScopedJoinHandle::join))
        {
            ended.unwrap();
        }
    });
    scene.assert_sound();
    scene.collect();
    scene.collect();
    scene.assert_sound();
    let items = scene
        .store
        .scan(KeyRange::all(), ScanOptions::new())
        .collect();
    let mut live = Vec::new();
    for item in block_on(items).unwrap() {
        assert_legal(item.entry.value());
        live.push(item.entry.into_value());
    }
    live.sort();
    live.dedup();
    let stats = scene.stats().last_pass.unwrap();
    let bytes: usize = live.iter().map(bytes::Bytes::len).sum();
    assert_eq!(stats.live_bytes, u64::try_from(bytes).unwrap());
    assert_eq!((stats.pending_chunks, scene.rows("m").len()), (0, 0));
}
