//! Closing, by a call or by dropping the last handle.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, atomic::Ordering, mpsc},
    task::{Context, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use storage_core::{
    ErrorKind, Outcome, ReadExt, Store, StoreExt, WriteOptions, blocking::block_on,
};

use crate::{
    BUFFERED, SYNCED, hold, put,
    staged::{Stage, open},
    start,
};

#[tokio::test]
async fn closing_finishes_accepted_commits_and_refuses_new_ones() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    stage.apply_may_wait.store(true, Ordering::SeqCst);
    stage.apply_gate.shut();
    let mut accepted = Vec::new();
    for _ in 0..5 {
        let store = store.clone();
        accepted.push(start(async move { store.commit_with(put("key"), &SYNCED).await }).await);
    }
    stage.apply_gate.wait_for_arrival();
    let closing = start({
        let store = store.clone();
        async move { store.close().await }
    })
    .await;
    while store.get("key").await.is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
    let error = store.put("late", "value").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    stage.apply_gate.open();
    for commit in accepted {
        commit.await.unwrap().unwrap();
    }
    closing.await.unwrap().unwrap();
    assert_eq!(
        store.get("key").await.unwrap_err().kind(),
        ErrorKind::Closed
    );
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_panic_of_an_engine_that_is_freed_is_an_error_of_the_close() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    stage.drop_panics.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let error = store.close().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.message().contains("could not be closed"), "{error}");
    }
    drop(open(&stage));
}

#[tokio::test]
async fn a_snapshot_answers_closed_once_the_store_is_closed() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    store.put("key", "value").await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    assert!(snapshot.exists("key").await.unwrap());
    store.close().await.unwrap();
    let error = snapshot.get("key").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_snapshot_keeps_its_store_open() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    store.put("key", "value").await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    drop(store);
    assert!(snapshot.exists("key").await.unwrap());
}

#[tokio::test]
async fn no_snapshot_escapes_the_close_that_came_before_its_answer() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    store.put("key", "value").await.unwrap();
    let head = hold(&stage, &store, put("head")).await;
    // Taken on the pool, behind the commit, and answered when it is polled.
    let mut taking = Box::pin(store.snapshot());
    assert!(poll_once(taking.as_mut(), Waker::noop()));
    stage.apply_gate.open();
    head.await.unwrap().unwrap();
    thread::sleep(Duration::from_millis(50));
    store.close().await.unwrap();
    let read = match taking.await {
        Ok(snapshot) => snapshot.get("key").await,
        Err(error) => Err(error),
    };
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn closing_a_store_that_could_not_sync_says_so_each_time() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    store.commit_with(put("a"), &BUFFERED).await.unwrap();
    stage.sync_fails.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let error = store.close().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Poisoned);
    }
}

#[tokio::test]
async fn every_write_to_a_closed_store_says_that_it_was_not_applied() {
    let store = open(&Arc::new(Stage::new()));
    store.close().await.unwrap();
    let errors = [
        store.put("key", "value").await.unwrap_err(),
        store.delete("key").await.unwrap_err(),
        store.compare_and_swap("key", None, None).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert_eq!(error.outcome(), Some(Outcome::NotApplied), "{error:?}");
    }
}

#[test]
fn the_last_handle_may_be_dropped_on_the_writer_thread_while_others_close() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    stage.apply_may_wait.store(true, Ordering::SeqCst);
    stage.apply_gate.shut();
    let waking = Waking::new(store.clone(), &BUFFERED);
    stage.apply_gate.wait_for_arrival();
    // Begun on the pool; nobody waits for it.
    let mut closing = Box::pin(async move { store.close().await });
    assert!(poll_once(closing.as_mut(), Waker::noop()));
    drop(closing);
    thread::sleep(Duration::from_millis(50));
    drop(waking);
    stage.apply_gate.open();
    assert_freed(&stage);
}

#[test]
fn the_last_handle_may_be_dropped_on_the_writer_thread() {
    drop_on_own_thread(&BUFFERED, |stage| {
        stage.apply_may_wait.store(true, Ordering::SeqCst);
        &stage.apply_gate
    });
}

#[test]
fn the_last_handle_may_be_dropped_on_the_sync_thread() {
    drop_on_own_thread(&SYNCED, |stage| &stage.sync_gate);
}

fn drop_on_own_thread(
    options: &'static WriteOptions,
    hold: impl Fn(&Stage) -> &crate::staged::Gate,
) {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    block_on(store.commit_with(put("first"), &SYNCED)).unwrap();
    let gate = hold(&stage);
    gate.shut();
    let waking = Waking::new(store, options);
    gate.wait_for_arrival();
    drop(waking);
    gate.open();
    assert_freed(&stage);
}

/// Waits until the engine, which holds the stage, is gone.
fn assert_freed(stage: &Arc<Stage>) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while Arc::strong_count(stage) > 1 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(Arc::strong_count(stage), 1, "the engine is never freed");
}

/// A commit under way in a task that owns a handle of the store. Once this is
/// dropped, only the commit's waker holds the task: being answered wakes it,
/// finds no executor, and drops the handle, on the thread that answers.
struct Waking {
    _task: Arc<Task>,
    _executor: mpsc::Receiver<Arc<Task>>,
}

impl Waking {
    fn new(
        store: storage_core::embedded::Embedded<crate::staged::Staged>,
        options: &'static WriteOptions,
    ) -> Self {
        let (queue, executor) = mpsc::sync_channel(1);
        let task = Arc::new(Task {
            future: Mutex::new(Box::pin(async move {
                drop(store.commit_with(put("second"), options).await);
            })),
            queue,
        });
        let waker = Waker::from(Arc::clone(&task));
        assert!(poll_once(task.future.lock().unwrap().as_mut(), &waker));
        Self {
            _task: task,
            _executor: executor,
        }
    }
}

struct Task {
    future: Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>,
    queue: mpsc::SyncSender<Arc<Self>>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let queue = self.queue.clone();
        drop(queue.send(self));
    }
}

/// Polls a future and says whether it is still pending.
fn poll_once<T>(future: Pin<&mut (impl Future<Output = T> + ?Sized)>, waker: &Waker) -> bool {
    future.poll(&mut Context::from_waker(waker)).is_pending()
}

#[test]
fn commits_snapshots_and_closes_from_many_threads_end_well() {
    for round in 0..100 {
        let stage = Arc::new(Stage::new());
        let store = open(&stage);
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let (store, stage) = (store.clone(), Arc::clone(&stage));
                thread::spawn(move || block_on(mix(&store, &stage, thread, round)))
            })
            .collect();
        drop(store);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(Arc::strong_count(&stage), 1);
    }
}

async fn mix(store: &impl Store, stage: &Stage, thread: usize, round: usize) {
    for step in 0..50 {
        if step % 7 == 0 {
            stage.apply_may_wait.store(step % 2 == 0, Ordering::SeqCst);
        }
        let options = if step % 3 == 0 { &SYNCED } else { &BUFFERED };
        if let Err(error) = store.commit_with(put("key"), options).await {
            assert_eq!(error.kind(), ErrorKind::Closed);
            assert_eq!(error.outcome(), Some(Outcome::NotApplied));
        }
        let snapshot = store.snapshot().await;
        if thread == 0 && step == 30 + round % 10 {
            store.close().await.unwrap();
        }
        if let Ok(snapshot) = snapshot {
            drop(snapshot.get("key").await);
        }
    }
}
