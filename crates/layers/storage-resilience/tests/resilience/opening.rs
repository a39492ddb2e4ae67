//! Where the layer opens, and what it says of itself.

use std::time::Duration;
use storage_core::{
    ErrorKind, Operation, RuntimeNeed, Stack, Store, blocking::block_on, memory::MemoryConfig,
};
use storage_resilience::{ResilienceConfig, ResilienceLayer};

use crate::scene::{Scene, without_circuit};

#[test]
fn without_a_runtime_it_is_refused_with_the_remedy() {
    let stack = Stack::on(MemoryConfig::new().open()).with(ResilienceLayer::default());
    let error = block_on(stack.open()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.operation(), Some(Operation::Open));
    assert!(error.message().contains("Tokio runtime"), "{error}");
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let config = ResilienceConfig::new().time_limit(Duration::ZERO);
    let stack = Stack::on(MemoryConfig::new().open()).with(ResilienceLayer::new(config));
    assert_eq!(stack.open().await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn it_is_described_needs_a_runtime_and_adds_its_counts() {
    let scene = Scene::open(without_circuit()).await;
    let description = scene.store.describe();
    assert_eq!(description.to_string(), "resilience > faulty > memory");
    assert_eq!(description.runtime, RuntimeNeed::TimersAndSockets);
    let stats = scene.store.stats().await.unwrap();
    assert_eq!(stats.detail("resilience_retries"), Some(0));
    scene.store.close().await.unwrap();
}
