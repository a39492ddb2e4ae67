//! What is repeated, how often, and after which waits.

use std::time::Duration;

use storage_core::{
    ErrorKind, KeyRange, Outcome, Read, ReadExt, Retry, ScanOptions, Store, StoreExt, WriteBatch,
};
use storage_testkit::faulty::{Call, Fault, Rule};
use tokio::time::Instant;

use crate::scene::{Scene, times, without_circuit};

/// A failure after which the request may succeed.
fn passing(kind: ErrorKind) -> Fault {
    Fault::refuse(kind).retry_after(Duration::from_millis(3))
}

#[tokio::test(start_paused = true)]
async fn reads_that_fail_twice_are_answered() {
    let scene = Scene::open(without_circuit()).await;
    scene.store.put("k", "v").await.unwrap();
    let snapshot = scene.store.snapshot().await.unwrap();
    for (number, call) in (1..).zip([
        Call::Get,
        Call::GetMany,
        Call::Scan,
        Call::SnapshotGet,
        Call::Snapshot,
        Call::Stats,
    ]) {
        for nth in [1, 2] {
            let rule = Rule::on(call).nth(nth);
            scene
                .faults
                .inject(rule, passing(ErrorKind::Unavailable))
                .unwrap();
        }
        match call {
            Call::Get => assert!(scene.store.exists("k").await.unwrap()),
            Call::GetMany => {
                let many = scene.store.get_many(&["k".into()]).await.unwrap();
                assert!(many.first().unwrap().is_some());
            }
            Call::Scan => {
                let page = scene
                    .store
                    .scan_with(&KeyRange::all(), &ScanOptions::new())
                    .await;
                assert_eq!(page.unwrap().items.len(), 1);
            }
            Call::SnapshotGet => assert!(snapshot.exists("k").await.unwrap()),
            Call::Snapshot => drop(scene.store.snapshot().await.unwrap()),
            _ => drop(scene.store.stats().await.unwrap()),
        }
        scene.faults.withdraw_all();
        assert_eq!(scene.stats().retries, number * 2, "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_was_not_applied_is_repeated_and_applied_once() {
    let scene = Scene::open(without_circuit()).await;
    let rule = Rule::on(Call::Commit).nth(1);
    scene
        .faults
        .inject(rule, passing(ErrorKind::Throttled))
        .unwrap();
    let batch = WriteBatch::new().put_sequenced("log/", "", "v");
    scene.store.commit(batch).await.unwrap();
    let logged = scene.store.count(KeyRange::prefix("log/")).await.unwrap();
    assert_eq!((logged, scene.stats().retries), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_commit_of_unknown_outcome_is_not_repeated_however_harmless_it_looks() {
    let scene = Scene::open(without_circuit()).await;
    for (batch, lost) in [
        (WriteBatch::new().put("k", "v"), true),
        (WriteBatch::new().delete("k"), false),
        (WriteBatch::new().absent("k").put("k", "v"), true),
    ] {
        let fault = if lost {
            Fault::lose_request(ErrorKind::TimedOut)
        } else {
            Fault::lose_answer(ErrorKind::TimedOut)
        };
        let before = scene.faults.calls(Call::Commit);
        scene
            .faults
            .inject(
                Rule::on(Call::Commit).nth(1),
                fault.retry_after(Duration::ZERO),
            )
            .unwrap();
        let error = scene.store.commit(batch).await.unwrap_err();
        assert_eq!(error.outcome(), Some(Outcome::Unknown));
        assert_eq!(scene.calls_since(Call::Commit, before), 1);
        scene.faults.withdraw_all();
    }
    assert_eq!(scene.stats().retries, 0);
}

#[tokio::test(start_paused = true)]
async fn guards_alone_are_asked_again_when_their_answer_is_lost() {
    let scene = Scene::open(without_circuit()).await;
    scene.store.put("k", "v").await.unwrap();
    let fault = Fault::lose_answer(ErrorKind::TimedOut).retry_after(Duration::ZERO);
    scene
        .faults
        .inject(Rule::on(Call::Commit).nth(1), fault)
        .unwrap();
    let guards = WriteBatch::new().present("k");
    scene.store.commit(guards).await.unwrap();
    assert_eq!(scene.stats().retries, 1);
}

#[tokio::test(start_paused = true)]
async fn what_says_never_is_not_repeated() {
    let scene = Scene::open(without_circuit()).await;
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::Corrupt,
        ErrorKind::Internal,
    ] {
        let before = scene.faults.calls(Call::Get);
        scene
            .faults
            .inject(Rule::on(Call::Get), Fault::refuse(kind))
            .unwrap();
        let error = scene.store.get("k").await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (kind, Retry::Never));
        assert_eq!(scene.calls_since(Call::Get, before), 1);
        scene.faults.withdraw_all();
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_last_attempt_the_error_is_the_one_from_below() {
    let scene = Scene::open(without_circuit().attempts_max(times(3))).await;
    let before = scene.faults.calls(Call::Get);
    let fault = passing(ErrorKind::Unavailable);
    scene.faults.inject(Rule::on(Call::Get), fault).unwrap();
    let error = scene.store.get("k").await.unwrap_err();
    assert_eq!(error.layer(), Some("faulty"));
    assert_eq!(error.retry(), Retry::After(Duration::from_millis(3)));
    assert_eq!(scene.calls_since(Call::Get, before), 3);
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_as_long_as_the_error_asks_and_no_longer_than_the_bound() {
    let asked = Duration::from_secs(3);
    let config = without_circuit().delays(Duration::from_millis(100), Duration::from_secs(1));
    let scene = Scene::open(config).await;
    let fault = Fault::refuse(ErrorKind::Throttled).retry_after(asked);
    scene
        .faults
        .inject(Rule::on(Call::Get).nth(1), fault)
        .unwrap();
    let start = Instant::now();
    scene.store.get("k").await.unwrap();
    let waited = start.elapsed();
    let longest = asked + Duration::from_millis(101);
    assert!((asked..=longest).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_last_beyond_the_time_limit_is_not_begun() {
    let scene = Scene::open(without_circuit().time_limit(Duration::from_secs(2))).await;
    let fault = Fault::refuse(ErrorKind::Unavailable).retry_after(Duration::from_secs(2));
    scene.faults.inject(Rule::on(Call::Get), fault).unwrap();
    let (start, before) = (Instant::now(), scene.faults.calls(Call::Get));
    let error = scene.store.get("k").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(scene.calls_since(Call::Get, before), 1);
}
