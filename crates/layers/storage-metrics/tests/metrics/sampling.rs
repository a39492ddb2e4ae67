//! Samples: on demand and at intervals.

use std::time::Duration;

use storage_core::{ErrorKind, RuntimeNeed, Stack, Store, StoreExt, memory::MemoryConfig};
use storage_metrics::{MetricsConfig, MetricsControl, MetricsLayer, names};
use storage_testkit::faulty::{Call, Fault, Rule};
use tokio::time::{advance, sleep};

use crate::scene::{Scene, config};

const EVERY: Duration = Duration::from_mins(1);

fn usage(scene: &Scene) -> Vec<Option<u64>> {
    let control = scene.store.find::<MetricsControl>().unwrap();
    let usage = control.usage().into_iter();
    usage.map(|usage| usage.entries).collect()
}

#[tokio::test]
async fn asking_for_figures_takes_a_sample() {
    let scene = Scene::open(config()).await;
    assert_eq!(scene.store.describe().runtime, RuntimeNeed::None);
    assert!(usage(&scene).is_empty());
    scene.store.put("k", "v").await.unwrap();
    let stats = scene.store.stats().await.unwrap();
    assert_eq!(usage(&scene), [stats.entries_estimate]);
    let entries = scene.recorded().gauge(names::ENTRIES, "");
    assert!(entries.unwrap() >= 1.0);
}

#[tokio::test(start_paused = true)]
async fn samples_are_taken_at_intervals_and_the_oldest_are_forgotten() {
    let config = config().sample_every(EVERY).usage_samples_max(3);
    let scene = Scene::open(config).await;
    let runtime = scene.store.describe().runtime;
    assert_eq!(runtime, RuntimeNeed::TimersAndSockets);
    sleep(Duration::from_secs(1)).await;
    let base = usage(&scene).first().unwrap().unwrap();
    for number in 1..=4_u8 {
        scene.store.put([number].as_slice(), "v").await.unwrap();
        sleep(EVERY).await;
    }
    let expected = [2, 3, 4].map(|number| Some(base + number));
    assert_eq!(usage(&scene), expected);
    // A sample is no operation of a caller.
    assert_eq!(scene.recorded().count(names::OPERATIONS, "stats"), 0);
}

#[tokio::test(start_paused = true)]
async fn samples_end_when_the_store_is_closed_or_dropped() {
    let scene = Scene::open(config().sample_every(EVERY)).await;
    sleep(EVERY).await;
    scene.store.close().await.unwrap();
    let before = scene.faults.calls(Call::Stats);
    advance(EVERY * 10).await;
    sleep(EVERY).await;
    assert_eq!(scene.faults.calls(Call::Stats), before);

    let scene = Scene::open(config().sample_every(EVERY)).await;
    sleep(EVERY).await;
    let faults = scene.faults.clone();
    drop(scene);
    let before = faults.calls(Call::Stats);
    sleep(EVERY * 3).await;
    assert_eq!(faults.calls(Call::Stats), before);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_gives_no_figures_is_asked_again() {
    let scene = Scene::open(config().sample_every(EVERY)).await;
    let fault = Fault::refuse(ErrorKind::Unavailable);
    scene
        .faults
        .inject(Rule::on(Call::Stats).nth(1), fault)
        .unwrap();
    sleep(EVERY / 2).await;
    assert!(usage(&scene).is_empty());
    sleep(EVERY).await;
    assert_eq!(usage(&scene).len(), 1);
}

#[test]
fn samples_at_intervals_take_a_runtime() {
    let config = MetricsConfig::new("test").sample_every(EVERY);
    let stack = Stack::on(MemoryConfig::new().open()).with(MetricsLayer::new(config));
    let error = storage_core::blocking::block_on(stack.open()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}
