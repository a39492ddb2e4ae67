//! How many calls are under way at once, and what becomes of the others.

use std::{num::NonZeroUsize, pin::pin, time::Duration};

use storage_core::{ErrorKind, KeyRange, Outcome, ReadExt, Retry, ScanOptions, StoreExt};
use storage_testkit::faulty::{Call, Fault, Gate, Rule};

use tokio::time::Instant;

use crate::scene::{Scene, poll_once, without_circuit};

async fn scene(at_once: usize, waiting: usize) -> Scene {
    let at_once = NonZeroUsize::new(at_once).unwrap();
    Scene::open(without_circuit().at_once(at_once, waiting)).await
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_reach_the_store_than_may_be_under_way() {
    let scene = scene(3, 100).await;
    let gate = Gate::new();
    scene
        .faults
        .inject(Rule::on(Call::Get), Fault::hold(&gate))
        .unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let store = scene.store.clone();
            tokio::spawn(async move { store.get("k").await })
        })
        .collect();
    while gate.waiting() < 3 || scene.stats().waiting < 17 {
        tokio::task::yield_now().await;
    }
    assert_eq!((gate.waiting(), scene.stats().in_flight), (3, 3));
    gate.open();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!((scene.stats().in_flight, scene.stats().waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once_and_a_commit_there_was_never_begun() {
    let scene = scene(1, 0).await;
    let gate = Gate::new();
    scene
        .faults
        .inject(Rule::on(Call::Get), Fault::hold(&gate))
        .unwrap();
    let mut first = pin!(scene.store.get("k"));
    assert!(poll_once(first.as_mut()).await.is_none());
    let before = scene.faults.calls(Call::Commit);
    let error = scene.store.put("k", "v").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    assert!(matches!(error.retry(), Retry::After(_)));
    assert_eq!(scene.calls_since(Call::Commit, before), 0);
    assert_eq!(scene.stats().throttled, 1);
    gate.open();
    first.await.unwrap();
    scene.store.put("k", "v").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_time_runs_out_in_the_queue_was_not_applied() {
    let limit = Duration::from_secs(1);
    let config = without_circuit().at_once(NonZeroUsize::MIN, 1);
    let scene = Scene::open(config.time_limit(limit)).await;
    let gate = Gate::new();
    scene
        .faults
        .inject(Rule::on(Call::Get), Fault::hold(&gate))
        .unwrap();
    // Nobody polls it again, so no time limit ends it.
    let mut forgotten = pin!(scene.store.get("k"));
    assert!(poll_once(forgotten.as_mut()).await.is_none());
    let (start, before) = (Instant::now(), scene.faults.calls(Call::Commit));
    let error = scene.store.put("k", "v").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    assert_eq!(start.elapsed(), limit);
    assert_eq!(scene.calls_since(Call::Commit, before), 0);
    assert_eq!(scene.stats().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_is_left_lying_holds_no_place() {
    let scene = scene(1, 0).await;
    for key in ["a", "b", "c"] {
        scene.store.put(key, "v").await.unwrap();
    }
    let options = ScanOptions::new().entries_max(1);
    let mut scan = scene.store.scan(KeyRange::all(), options);
    assert!(scan.next().await.unwrap().is_some());
    assert_eq!(scene.stats().in_flight, 0);
    scene.store.put("d", "v").await.unwrap();
    let mut rest = 0;
    while scan.next().await.unwrap().is_some() {
        rest += 1;
    }
    assert_eq!(rest, 3);
}
