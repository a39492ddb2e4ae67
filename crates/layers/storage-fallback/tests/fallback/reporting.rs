//! What the layer says of itself.

use storage_core::{Description, Store};
use storage_fallback::{FallbackState, FallbackStats};

use crate::scene::{Scene, accepting};

#[tokio::test]
async fn state_health_and_figures_tell_of_an_outage() {
    let scene = Scene::open(accepting()).await;
    assert!(scene.store.health().await.unwrap().is_well());
    let before = scene.store.clock().now();
    scene.lose_primary();
    // Before anybody has asked for data, the primary's error is the answer.
    scene.store.health().await.unwrap_err();
    scene.put("k", "v").await;
    let FallbackState::Degraded { since } = scene.control().state() else {
        panic!("it is degraded");
    };
    assert!(since >= before);
    let health = scene.store.health().await.unwrap();
    let names: Vec<_> = health.issues.iter().map(|issue| issue.name).collect();
    assert_eq!(names, ["primary_gone", "not_written_back"]);
    assert!(health.issues[1].detail.contains("Volatile"), "{health:?}");

    scene.return_to_primary().await;
    assert!(scene.store.health().await.unwrap().is_well());
    let stats = scene.store.stats().await.unwrap();
    assert_eq!(stats.detail("fallback_outages"), Some(1));
    assert_eq!(stats.detail("fallback_accepted"), Some(1));
    assert_eq!(stats.detail("fallback_written_back"), Some(1));
    assert_eq!(stats.detail("fallback_pending"), Some(0));
}

#[tokio::test]
async fn it_is_described_and_takes_a_runtime() {
    let scene = Scene::open(accepting()).await;
    let description = scene.store.describe();
    assert_eq!(description.to_string(), "fallback > faulty > memory");
    let needed = Description::of_engine("x", "").needing_runtime().runtime;
    assert_eq!(description.runtime, needed);
    assert_eq!(scene.control().stats(), FallbackStats::default());
}

#[test]
fn without_a_runtime_it_does_not_open() {
    let opened = storage_core::blocking::block_on(async {
        storage_core::Stack::on(storage_core::memory::MemoryConfig::new().open())
            .with(storage_fallback::FallbackLayer::new(accepting()))
            .open()
            .await
    });
    let error = opened.err().unwrap();
    assert_eq!(error.kind(), storage_core::ErrorKind::Invalid);
}
