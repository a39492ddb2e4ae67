//! The blocking façade over the adapter: its futures are polled by threads that
//! belong to no runtime.

use std::{future::poll_fn, sync::Arc, task::Poll, thread};

use storage_core::{
    Components, KeyRange, ReadExt, StoreExt, WriteBatch,
    blocking::{BlockingStore, block_on},
    networked::Networked,
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

/// As the work of a layer does, which begins where its caller is and goes on in a pool.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_was_begun_on_the_runtime_goes_on_elsewhere() {
    let stage = Arc::new(narrow());
    let store = crate::staged::open(&stage).await;
    store.put("k", "v").await.unwrap();
    stage.read_gate.shut();
    let mut call = Box::pin(async move { store.get("k").await });
    let first = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
    assert!(first.is_pending());
    assert_eq!(stage.read_gate.waiting(), 1);
    let elsewhere = thread::spawn(move || {
        assert!(tokio::runtime::Handle::try_current().is_err());
        block_on(call)
    });
    stage.read_gate.open();
    let entry = elsewhere.join().unwrap().unwrap().unwrap();
    assert_eq!(entry.value(), &b"v"[..]);
}
