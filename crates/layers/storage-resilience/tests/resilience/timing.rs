//! What happens to calls that take too long.

use std::time::Duration;

use storage_core::{ErrorKind, Operation, Outcome, ReadExt, Store, StoreExt};
use storage_testkit::faulty::{Call, Fault, Gate, Rule};
use tokio::time::Instant;

use crate::scene::{Scene, times, without_circuit};

const ATTEMPT: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_read_that_stalls_is_ended_and_repeated() {
    let scene = Scene::open(without_circuit().attempt_time_limit(ATTEMPT)).await;
    scene.store.put("k", "v").await.unwrap();
    let gate = Gate::new();
    let stall = Fault::hold(&gate);
    scene
        .faults
        .inject(Rule::on(Call::Get).nth(1), stall)
        .unwrap();
    let start = Instant::now();
    assert!(scene.store.exists("k").await.unwrap());
    assert!(start.elapsed() >= ATTEMPT);
    assert!(start.elapsed() < ATTEMPT * 2);
    assert_eq!((scene.stats().time_outs, scene.stats().retries), (1, 1));
    assert_eq!(gate.waiting(), 0, "the attempt that stalled lives on");
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_stalls_is_unknown_not_repeated_and_made_in_the_end() {
    let scene = Scene::open(without_circuit().attempt_time_limit(ATTEMPT)).await;
    let gate = Gate::new();
    let before = scene.faults.calls(Call::Commit);
    scene
        .faults
        .inject(Rule::on(Call::Commit).nth(1), Fault::hold(&gate))
        .unwrap();
    let error = scene.store.put("k", "v").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(error.outcome(), Some(Outcome::Unknown));
    assert_eq!(error.operation(), Some(Operation::Commit));
    assert_eq!(error.layer(), Some("resilience"));
    assert!(error.key().is_some());
    assert_eq!(scene.calls_since(Call::Commit, before), 1);
    assert!(!scene.store.exists("k").await.unwrap());
    gate.open();
    scene.faults.settled().await;
    assert!(scene.store.exists("k").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn all_attempts_and_waits_end_within_the_time_limit() {
    let limit = Duration::from_millis(2_500);
    let config = without_circuit()
        .attempts_max(times(100))
        .attempt_time_limit(ATTEMPT)
        .time_limit(limit);
    let scene = Scene::open(config).await;
    let gate = Gate::new();
    scene
        .faults
        .inject(Rule::on_any([Call::Get, Call::Health]), Fault::hold(&gate))
        .unwrap();
    let start = Instant::now();
    let error = scene.store.get("k").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let took = start.elapsed();
    assert!(took <= limit + Duration::from_millis(1), "{took:?}");
    assert!(took > ATTEMPT * 2, "{took:?}");
    let start = Instant::now();
    let error = scene.store.health().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(start.elapsed(), limit);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_within_the_limit_is_the_answer() {
    let scene = Scene::open(without_circuit().attempt_time_limit(ATTEMPT)).await;
    let slow = Fault::hold_answer(ATTEMPT / 2);
    scene.faults.inject(Rule::on(Call::Commit), slow).unwrap();
    scene.store.put("k", "v").await.unwrap();
    assert_eq!(scene.stats().time_outs, 0);
}

#[test]
fn the_time_limit_holds_for_callers_on_other_threads_and_runtimes() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let attempt = Duration::from_millis(20);
    let config = without_circuit()
        .attempts_max(times(2))
        .attempt_time_limit(attempt);
    let scene = runtime.block_on(Scene::open(config));
    let gate = Gate::new();
    scene
        .faults
        .inject(Rule::on(Call::Get), Fault::hold(&gate))
        .unwrap();
    // Without any runtime.
    let error = storage_core::blocking::block_on(scene.store.get("k")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(scene.stats().time_outs, 2);
    // After the end of its own, a call that stalls is over at once.
    runtime.shutdown_background();
    let error = storage_core::blocking::block_on(scene.store.get("k")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}
