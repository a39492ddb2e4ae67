//! The blocking façade over the adapter: its futures are polled by threads that
//! belong to no runtime.

use std::{sync::Arc, thread};

use storage_core::{
    Components, KeyRange, WriteBatch, blocking::BlockingStore, networked::Networked,
};

use crate::{
    narrow,
    staged::{Stage, Staged, open_with},
};

fn open(stage: &Arc<Stage>) -> BlockingStore<Networked<Staged>> {
    let components = Components::default();
    BlockingStore::open(open_with(stage, &components)).unwrap()
}

#[test]
fn threads_of_no_runtime_read_and_write() {
    const THREADS: u8 = 8;
    let mut stage = narrow();
    stage.takes_turns = true;
    let stage = Arc::new(stage);
    let store = open(&stage);
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let store = store.clone();
            thread::spawn(move || {
                for round in 0..50_u8 {
                    let key = [thread, round];
                    store.put(&key, vec![round]).unwrap();
                    let entry = store.get(&key).unwrap().unwrap();
                    assert_eq!(entry.value(), &[round][..]);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(store.count(KeyRange::all()).unwrap(), 400);
    let snapshot = store.snapshot().unwrap();
    store
        .commit(WriteBatch::new().delete_range(KeyRange::all()))
        .unwrap();
    assert_eq!(snapshot.count(KeyRange::all()).unwrap(), 400);
    assert_eq!(store.count(KeyRange::all()).unwrap(), 0);
    store.close().unwrap();
}
