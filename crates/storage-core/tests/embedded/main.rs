//! What the adapter for embedded engines promises, shown on an engine whose
//! every call a test can hold, fail and count.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

mod apart;
mod closing;
mod conformance;
mod preparing;
mod sequences;
mod snapshots;
mod staged;
mod unavailable;

use std::{
    num::NonZeroUsize,
    sync::{Arc, atomic::Ordering, mpsc},
    thread,
    time::Duration,
};

use staged::{Failure, Stage, Staged, open};
use storage_core::{
    Components, Durability, ErrorKind, Executor, Job, KeyRange, ManualClock, Outcome, ReadExt,
    SharedStore, Store, StoreExt, ThreadPool, Timestamp, WriteBatch, WriteOptions,
    embedded::{ChangeForm, Embedded, Engine, ReadPolicy, WritePolicy},
};
use tokio::{task::yield_now, time::timeout};

const SYNCED: WriteOptions = WriteOptions::new().durability(Durability::Synced);
const BUFFERED: WriteOptions = WriteOptions::new().durability(Durability::Buffered);

fn put(key: &'static str) -> WriteBatch {
    WriteBatch::new().put(key, "value")
}

/// Runs `future` until it has had every chance to make progress.
async fn start<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    let task = tokio::spawn(future);
    for _ in 0..10 {
        yield_now().await;
    }
    task
}

#[tokio::test]
async fn commits_that_gather_during_a_sync_share_the_next_one() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    stage.sync_gate.shut();
    let first = start({
        let store = store.clone();
        async move { store.commit_with(put("first"), &SYNCED).await }
    })
    .await;
    stage.sync_gate.wait_for_arrival();
    let mut others = Vec::new();
    for _ in 0..20 {
        let store = store.clone();
        others.push(start(async move { store.commit_with(put("other"), &SYNCED).await }).await);
    }
    assert!(others.iter().all(|task| !task.is_finished()));
    stage.sync_gate.open();
    first.await.unwrap().unwrap();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(stage.syncs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_buffered_commit_does_not_wait_for_a_sync() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    for goes_to_the_writer in [false, true] {
        stage
            .apply_may_wait
            .store(goes_to_the_writer, Ordering::SeqCst);
        stage.sync_gate.shut();
        let synced = start({
            let store = store.clone();
            async move { store.commit_with(put("synced"), &SYNCED).await }
        })
        .await;
        stage.sync_gate.wait_for_arrival();
        timeout(
            Duration::from_secs(10),
            store.commit_with(put("buffered"), &BUFFERED),
        )
        .await
        .expect("a buffered commit waits for a sync")
        .unwrap();
        assert!(!synced.is_finished());
        stage.sync_gate.open();
        synced.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_failed_sync_poisons_the_store_and_leaves_the_outcome_unknown() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    stage.sync_fails.store(true, Ordering::SeqCst);
    let error = store.commit_with(put("a"), &SYNCED).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Poisoned);
    assert_eq!(error.outcome(), Some(Outcome::Unknown));
    assert!(std::error::Error::source(&error).is_some());

    // The disk is back, but what it lost meanwhile nobody knows.
    stage.sync_fails.store(false, Ordering::SeqCst);
    let error = store.commit_with(put("b"), &BUFFERED).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Poisoned);
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    assert!(!store.exists("b").await.unwrap());
    assert!(!store.health().await.unwrap().is_well());
}

#[tokio::test]
async fn a_commit_whose_future_is_dropped_is_driven_to_its_end() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    let commit = hold(&stage, &store, put("key")).await;
    commit.abort();
    assert!(commit.await.unwrap_err().is_cancelled());
    stage.apply_gate.open();
    store.close().await.unwrap();
    let store = open(&stage);
    assert!(store.exists("key").await.unwrap());
}

#[tokio::test]
async fn a_commit_that_was_never_polled_never_happens() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    drop(store.put("key", "value"));
    store.close().await.unwrap();
    assert!(!open(&stage).exists("key").await.unwrap());
}

/// Starts a commit, which the writer thread holds at the shut gate.
async fn hold(
    stage: &Stage,
    store: &Embedded<Staged>,
    batch: WriteBatch,
) -> tokio::task::JoinHandle<storage_core::Result<storage_core::Committed>> {
    stage.apply_may_wait.store(true, Ordering::SeqCst);
    stage.apply_gate.shut();
    let store = store.clone();
    let commit = start(async move { store.commit_with(batch, &BUFFERED).await }).await;
    stage.apply_gate.wait_for_arrival();
    commit
}

/// Queues commits behind one that is held, so that they form a group.
async fn as_group(
    stage: &Arc<Stage>,
    batches: Vec<WriteBatch>,
) -> Vec<storage_core::Result<storage_core::Committed>> {
    let store = open(stage);
    let head = hold(stage, &store, put("head")).await;
    let mut members = Vec::new();
    for batch in batches {
        let store = store.clone();
        members.push(start(async move { store.commit_with(batch, &BUFFERED).await }).await);
    }
    stage.apply_gate.open();
    head.await.unwrap().unwrap();
    let mut answers = Vec::new();
    for member in members {
        answers.push(member.await.unwrap());
    }
    answers
}

#[tokio::test]
async fn commits_that_queued_are_applied_as_one() {
    let stage = Arc::new(Stage::new());
    let answers = as_group(&stage, vec![put("a"), put("b"), put("c")]).await;
    let sequences: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap().sequence.unwrap())
        .collect();
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
    // The head, with its reservation of sequences, then the three together.
    assert_eq!(*stage.applied.lock().unwrap(), [2, 3]);
}

#[tokio::test]
async fn a_merge_that_the_engine_refuses_is_split() {
    let stage = Arc::new(Stage::new());
    stage.apply_failures.lock().unwrap().extend([
        // The head, the merged rest, then the first of the rest on its own.
        None,
        Some(Failure::Refuse(ErrorKind::Full)),
        Some(Failure::Refuse(ErrorKind::Full)),
    ]);
    let answers = as_group(&stage, vec![put("a"), put("b")]).await;
    let refused = answers[0].as_ref().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Full);
    assert_eq!(refused.outcome(), Some(Outcome::NotApplied));
    assert!(answers[1].is_ok());
    let store = open(&stage);
    assert!(!store.exists("a").await.unwrap());
    assert!(store.exists("b").await.unwrap());
}

#[tokio::test]
async fn a_guard_sees_the_commits_ahead_of_it_in_its_group() {
    for change_form in [ChangeForm::Ordered, ChangeForm::Distinct] {
        let mut stage = Stage::new();
        stage.change_form = change_form;
        let stage = Arc::new(stage);
        let store = open(&stage);
        store.put("gone", "value").await.unwrap();
        store.close().await.unwrap();
        let answers = as_group(
            &stage,
            vec![
                put("new").absent("new"),
                put("new").absent("new"),
                put("seen").present("new"),
                WriteBatch::new().delete_range(KeyRange::prefix("go")),
                put("unseen").present("gone"),
                put("last").absent("gone"),
            ],
        )
        .await;
        let held: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(held, [true, false, true, true, false, true]);
        let conflict = answers[1].as_ref().unwrap_err();
        assert_eq!(conflict.kind(), ErrorKind::Conflict);
        assert_eq!(conflict.guard(), Some(0));
        let store = open(&stage);
        assert!(!store.exists("unseen").await.unwrap());
        assert!(store.exists("last").await.unwrap());
    }
}

#[tokio::test]
async fn a_panic_of_the_engine_is_an_error_and_poisons() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    stage
        .apply_failures
        .lock()
        .unwrap()
        .push_back(Some(Failure::Panic));
    let error = store.put("a", "value").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(error.outcome(), Some(Outcome::Unknown));
    let error = store.put("b", "value").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Poisoned);
}

#[tokio::test]
async fn a_write_with_an_unknown_end_poisons_if_the_engine_is_damaged() {
    for kind in [ErrorKind::Poisoned, ErrorKind::Corrupt] {
        for (failure, outcome, is_poisoned) in [
            (Failure::BreakOff(kind), Outcome::Unknown, true),
            (Failure::Refuse(kind), Outcome::NotApplied, false),
        ] {
            let stage = Arc::new(Stage::new());
            let store = open(&stage);
            let failures = [Some(failure)];
            stage.apply_failures.lock().unwrap().extend(failures);
            let error = store.put("a", "value").await.unwrap_err();
            assert_eq!((error.kind(), error.outcome()), (kind, Some(outcome)));
            let next = store.put("b", "value").await.map_err(|error| error.kind());
            assert_eq!(next.err(), is_poisoned.then_some(ErrorKind::Poisoned));
        }
    }
}

#[tokio::test]
async fn reads_run_where_the_policy_says() {
    let here = thread::current().id();
    let entries_max = NonZeroUsize::MIN;
    for (read_policy, key, inline) in [
        (ReadPolicy::Pool, "cached", false),
        (ReadPolicy::Cached { entries_max }, "cached", true),
        (ReadPolicy::Cached { entries_max }, "other", false),
        (ReadPolicy::Inline { entries_max }, "other", true),
    ] {
        let mut stage = Stage::new();
        stage.read_policy = read_policy;
        stage.would_wait_every = 1;
        let stage = Arc::new(stage);
        let store = open(&stage);
        stage.read_threads.lock().unwrap().clear();
        store.get(key).await.unwrap();
        let threads = stage.read_threads.lock().unwrap().clone();
        assert_eq!(threads.len(), 1);
        assert_eq!(threads[0] == here, inline, "{read_policy:?} {key}");
    }
}

#[tokio::test]
async fn a_commit_that_the_engine_would_have_to_wait_for_goes_to_the_writer_thread() {
    let mut stage = Stage::new();
    stage.write_policy = WritePolicy::Tried;
    stage.would_wait_every = 2;
    let stage = Arc::new(stage);
    let store = open(&stage);
    stage.apply_gate.shut();
    // The first call is let through and would block this thread at the gate.
    stage.without_waiting.store(1, Ordering::SeqCst);
    let refused = start({
        let store = store.clone();
        async move { store.commit_with(put("refused"), &BUFFERED).await }
    })
    .await;
    stage.apply_gate.wait_for_arrival();
    assert!(!refused.is_finished());
    stage.apply_gate.open();
    let refused = refused.await.unwrap().unwrap();
    let taken = store.commit_with(put("taken"), &BUFFERED).await.unwrap();
    assert!(refused.sequence < taken.sequence);
    assert!(store.exists("refused").await.unwrap());
}

#[tokio::test]
async fn an_engine_that_cannot_buffer_is_synced_for_a_buffered_commit() {
    let mut stage = Stage::new();
    stage.buffered_as = Durability::Synced;
    let stage = Arc::new(stage);
    let store = open(&stage);
    let committed = store.commit_with(put("key"), &BUFFERED).await.unwrap();
    assert_eq!(committed.durability, Durability::Synced);
    assert_eq!(stage.syncs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_engine_is_found_below_layers_until_it_is_closed() {
    let stage = Arc::new(Stage::new());
    let shared = SharedStore::new(open(&stage));
    shared.put("key", "value").await.unwrap();
    let store = shared.find::<Embedded<Staged>>().unwrap();
    let entries = store.with_engine(Engine::stats).await.unwrap();
    assert_eq!(
        entries.entries_estimate,
        Some(2),
        "the key, and the sequence"
    );
    shared.close().await.unwrap();
    let error = store.with_engine(|_| Ok(())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn an_engine_that_answers_too_few_keys_skips_no_guard() {
    let entries_max = NonZeroUsize::new(100).unwrap();
    for read_policy in [
        ReadPolicy::Inline { entries_max },
        ReadPolicy::Cached { entries_max },
        ReadPolicy::Pool,
    ] {
        let mut stage = Stage::new();
        stage.read_policy = read_policy;
        stage.get_many_answers_too_few = true;
        let store = open(&Arc::new(stage));
        let batch = WriteBatch::new()
            .present("a")
            .present("b")
            .put("c", "value");
        let error = store.commit(batch).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{read_policy:?}");
        assert_eq!(error.outcome(), Some(Outcome::NotApplied));
        assert!(!store.exists("c").await.unwrap());
    }
}

#[tokio::test]
async fn a_scan_that_waited_for_the_pool_returns_no_expired_entry() {
    let mut stage = Stage::new();
    stage.read_policy = ReadPolicy::Pool;
    let clock = ManualClock::at(Timestamp::from_unix_milliseconds(1_000));
    let pool = Arc::new(ThreadPool::new(NonZeroUsize::MIN));
    let components = Components::default()
        .with_clock(clock.clone())
        .with_executor(SharedPool(Arc::clone(&pool)));
    let store = staged::open_with(&Arc::new(stage), &components);
    let second = Duration::from_secs(1);
    store.put_for("key", "value", second).await.unwrap();

    let (release, held) = mpsc::channel::<()>();
    pool.execute(Box::new(move || held.recv().unwrap()))
        .unwrap();
    let scan = start(async move { store.scan_prefix("").collect().await }).await;
    clock.advance(second);
    release.send(()).unwrap();
    assert_eq!(scan.await.unwrap().unwrap(), []);
}

#[derive(Debug)]
struct SharedPool(Arc<ThreadPool>);

impl Executor for SharedPool {
    fn execute(&self, job: Job) -> storage_core::Result<()> {
        self.0.execute(job)
    }
}

#[tokio::test]
async fn a_commit_beyond_what_may_queue_is_throttled() {
    let stage = Arc::new(Stage::new());
    let store = open(&stage);
    let large = bytes::Bytes::from(vec![0; 200 << 20]);
    let queued = hold(
        &stage,
        &store,
        WriteBatch::new().put("first", large.clone()),
    )
    .await;
    let error = store.put("second", large.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    stage.apply_gate.open();
    queued.await.unwrap().unwrap();
    store.put("second", large).await.unwrap();
}

#[tokio::test]
async fn a_check_reads_each_entry_once_however_many_there_are() {
    let store = open(&Arc::new(Stage::new()));
    store.put("z", "value").await.unwrap();
    // The reservation of sequences is one, too.
    let others = store.check().await.unwrap().entries;
    let mut there = 0_u32;
    for count in [1_022, 1_023, 1_024, 1_025, 2_048, 2_500] {
        let batch = (there..count).fold(WriteBatch::new(), |batch, number| {
            batch.put(number.to_be_bytes().to_vec(), "value")
        });
        store.commit(batch).await.unwrap();
        there = count;
        let report = store.check().await.unwrap();
        assert_eq!(report.entries, others + u64::from(count));
    }
}
