//! When a store is left alone, and when it is tried again.

use std::{pin::pin, time::Duration};

use storage_core::{ErrorKind, Outcome, ReadExt, Retry, Store, StoreExt, WriteBatch};
use storage_resilience::{CircuitConfig, CircuitState};
use storage_testkit::faulty::{Call, Fault, Gate, Rule};
use tokio::time::advance;

use crate::scene::{Scene, poll_once, times, with_circuit};

const WINDOW: Duration = Duration::from_secs(10);
const OPEN_FOR: Duration = Duration::from_secs(5);

/// Opens after 4 failures that are half of all attempts.
fn circuit() -> CircuitConfig {
    CircuitConfig::new()
        .opens_at(WINDOW, times(4), 50)
        .closes_after(OPEN_FOR, times(1))
}

async fn scene() -> Scene {
    Scene::open(with_circuit(circuit())).await
}

/// Has `count` gets fail as `kind`.
async fn fail(scene: &Scene, kind: ErrorKind, count: u32) {
    scene
        .faults
        .inject(Rule::on(Call::Get), Fault::refuse(kind))
        .unwrap();
    for _ in 0..count {
        let error = scene.store.get("k").await.unwrap_err();
        assert_eq!(error.kind(), kind);
    }
    scene.faults.withdraw_all();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_left_alone_then_tried_then_used_again() {
    for kind in [ErrorKind::Unavailable, ErrorKind::TimedOut] {
        let scene = scene().await;
        fail(&scene, kind, 3).await;
        assert_eq!(scene.control().circuit(), CircuitState::Closed);
        fail(&scene, kind, 1).await;
        let remaining = OPEN_FOR;
        assert_eq!(scene.control().circuit(), CircuitState::Open { remaining });

        let asked = (
            scene.faults.calls(Call::Get),
            scene.faults.calls(Call::Commit),
        );
        let error = scene.store.get("k").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.retry(), Retry::After(OPEN_FOR));
        assert_eq!(error.outcome(), None);
        let error = scene.store.put("k", "v").await.unwrap_err();
        assert_eq!(error.outcome(), Some(Outcome::NotApplied));
        let asked_now = (
            scene.faults.calls(Call::Get),
            scene.faults.calls(Call::Commit),
        );
        assert_eq!(asked_now, asked, "an open circuit let a call through");

        advance(OPEN_FOR).await;
        assert_eq!(scene.control().circuit(), CircuitState::HalfOpen);
        scene.store.put("k", "v").await.unwrap();
        assert_eq!(scene.control().circuit(), CircuitState::Closed);
        let stats = scene.stats();
        assert_eq!((stats.circuit_openings, stats.refused), (1, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_only_a_working_store_gives_open_no_circuit() {
    let scene = scene().await;
    for kind in [
        ErrorKind::Throttled,
        ErrorKind::Denied,
        ErrorKind::Corrupt,
        ErrorKind::Internal,
    ] {
        fail(&scene, kind, 20).await;
    }
    scene.store.put("k", "v").await.unwrap();
    for _ in 0..20 {
        let conflict = scene.store.commit(WriteBatch::new().absent("k")).await;
        assert_eq!(conflict.unwrap_err().kind(), ErrorKind::Conflict);
    }
    assert_eq!(scene.control().circuit(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn few_failures_among_many_answers_open_no_circuit() {
    let scene = scene().await;
    fail(&scene, ErrorKind::Unavailable, 1).await;
    for _ in 0..20 {
        scene.store.get("k").await.unwrap();
    }
    fail(&scene, ErrorKind::Unavailable, 18).await;
    assert_eq!(scene.control().circuit(), CircuitState::Closed);
    fail(&scene, ErrorKind::Unavailable, 1).await;
    assert_ne!(scene.control().circuit(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn failures_of_an_earlier_window_are_forgotten() {
    let scene = scene().await;
    for _ in 0..5 {
        fail(&scene, ErrorKind::Unavailable, 3).await;
        advance(WINDOW).await;
    }
    assert_eq!(scene.control().circuit(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_fails_opens_the_circuit_again() {
    let scene = scene().await;
    fail(&scene, ErrorKind::Unavailable, 4).await;
    advance(OPEN_FOR).await;
    fail(&scene, ErrorKind::Unavailable, 1).await;
    let remaining = OPEN_FOR;
    assert_eq!(scene.control().circuit(), CircuitState::Open { remaining });
    assert_eq!(scene.stats().circuit_openings, 2);
}

#[tokio::test(start_paused = true)]
async fn one_trial_is_under_way_at_a_time_and_a_dropped_one_makes_room() {
    let scene = scene().await;
    fail(&scene, ErrorKind::Unavailable, 4).await;
    advance(OPEN_FOR).await;
    let gate = Gate::new();
    scene
        .faults
        .inject(Rule::on(Call::Get), Fault::hold(&gate))
        .unwrap();
    {
        let mut trial = pin!(scene.store.get("k"));
        assert!(poll_once(trial.as_mut()).await.is_none());
        assert_eq!(scene.control().circuit(), CircuitState::HalfOpen);
        let error = scene.store.get("k").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.layer(), Some("resilience"));
    }
    gate.open();
    scene.store.get("k").await.unwrap();
    assert_eq!(scene.control().circuit(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn as_many_trials_must_succeed_as_the_settings_say() {
    let circuit = circuit().closes_after(OPEN_FOR, times(3));
    let scene = Scene::open(with_circuit(circuit)).await;
    fail(&scene, ErrorKind::Unavailable, 4).await;
    advance(OPEN_FOR).await;
    for _ in 0..3 {
        assert_ne!(scene.control().circuit(), CircuitState::Closed);
        scene.store.get("k").await.unwrap();
    }
    assert_eq!(scene.control().circuit(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_before_the_circuit_opened_changes_nothing() {
    let scene = scene().await;
    let gate = Gate::new();
    let late = scene
        .faults
        .inject(Rule::on(Call::Scan), Fault::hold(&gate))
        .unwrap();
    let mut early = pin!(scene.store.count(storage_core::KeyRange::all()));
    assert!(poll_once(early.as_mut()).await.is_none());
    fail(&scene, ErrorKind::Unavailable, 4).await;
    scene.faults.withdraw(&late);
    gate.open();
    assert_eq!(early.await.unwrap(), 0);
    assert_ne!(scene.control().circuit(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn health_names_an_open_circuit_and_still_asks_the_store() {
    let scene = scene().await;
    assert!(scene.store.health().await.unwrap().is_well());
    fail(&scene, ErrorKind::Unavailable, 4).await;
    let before = scene.faults.calls(Call::Health);
    let health = scene.store.health().await.unwrap();
    let names: Vec<_> = health.issues.iter().map(|issue| issue.name).collect();
    assert_eq!(names, ["circuit_open"]);
    assert_eq!(scene.calls_since(Call::Health, before), 1);
    scene.control().close_circuit();
    assert!(scene.store.health().await.unwrap().is_well());
    scene.store.get("k").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_closing_the_answer_is_closed_though_the_circuit_was_open() {
    let scene = scene().await;
    fail(&scene, ErrorKind::Unavailable, 4).await;
    scene.store.close().await.unwrap();
    let error = scene.store.get("k").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    scene.store.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn repetition_ends_with_the_last_answer_of_the_store_when_the_circuit_opens() {
    let config = with_circuit(circuit()).attempts_max(times(50));
    let scene = Scene::open(config).await;
    let fault = Fault::refuse(ErrorKind::Unavailable).retry_after(Duration::ZERO);
    scene.faults.inject(Rule::on(Call::Get), fault).unwrap();
    let before = scene.faults.calls(Call::Get);
    let error = scene.store.get("k").await.unwrap_err();
    assert_eq!(error.layer(), Some("faulty"));
    assert_eq!(scene.calls_since(Call::Get, before), 4);
}
