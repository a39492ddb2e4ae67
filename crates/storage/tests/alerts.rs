//! Alerts on what layers below tell of themselves: how often a cache has what it is
//! asked for, and how far the primary of a fallback lags behind.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use storage::{
    Components, Durability, ErrorKind, ManualClock, SharedStore, Stack, Timestamp, WriteBatch,
    WriteOptions,
    cache::{CacheConfig, CacheLayer},
    fallback::{FallbackConfig, FallbackControl, FallbackLayer, StandbyWrites},
    layer::Layer,
    memory::MemoryConfig,
    metrics::{Alert, Bound, MetricsConfig, MetricsLayer, Watch},
    prelude::*,
};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Rule};

/// Whether the alert was raised or cleared, one after the other.
type Told = Arc<Mutex<Vec<bool>>>;

/// A store under a layer that watches one value.
async fn watched(store: SharedStore, watch: Watch, bound: Bound) -> (SharedStore, Told) {
    let told = Told::default();
    let telling = Arc::clone(&told);
    let config = MetricsConfig::new("watched").alert(Alert::new("alert", watch, bound));
    let layer = MetricsLayer::new(config)
        .on_alert(move |change| telling.lock().unwrap().push(change.is_raised));
    let watched = layer.wrap(store, &Components::default()).await.unwrap();
    (SharedStore::new(watched), told)
}

#[tokio::test]
async fn a_cache_that_misses_raises_an_alert_until_it_hits_again() {
    let cached = Stack::on(MemoryConfig::new().open())
        .with(CacheLayer::new(CacheConfig::exclusive(1 << 20)))
        .open()
        .await
        .unwrap();
    let watch = Watch::Share {
        of: "cache_hits".into(),
        beside: "cache_misses".into(),
    };
    let bound = Bound::Below {
        raise: 0.5,
        clear: 0.8,
    };
    let (store, told) = watched(SharedStore::new(cached), watch, bound).await;
    store.put("k", "v").await.unwrap();
    // The first sample is what the others are counted from.
    store.stats().await.unwrap();
    for (hits, misses, expected) in [
        (9, 1, &[][..]),
        (1, 9, &[true]),
        (7, 3, &[true]),
        (9, 1, &[true, false]),
        (7, 3, &[true, false]),
    ] {
        for _ in 0..hits {
            store.get("k").await.unwrap();
        }
        for number in 0..misses {
            let absent = format!("{hits}/{number}/{}", told.lock().unwrap().len());
            store.get(&absent).await.unwrap();
        }
        store.stats().await.unwrap();
        assert_eq!(*told.lock().unwrap(), expected, "{hits} hits");
    }
}

#[tokio::test]
async fn a_primary_that_lags_behind_raises_an_alert_until_it_has_everything() {
    const LONG: Duration = Duration::from_hours(1);
    let clock = ManualClock::at(Timestamp::from_unix_milliseconds(1_700_000_000_000));
    let components = Components::default().with_clock(clock.clone());
    let faults = Faults::new();
    let primary = MemoryConfig::new().open_with(&components);
    let config = FallbackConfig::new()
        .writes(StandbyWrites::Overwriting)
        .probes(LONG, LONG);
    let store = Stack::on(FaultyStore::new(primary, &faults))
        .with(FallbackLayer::new(config))
        .components(components)
        .open()
        .await
        .unwrap();
    let control = store.find::<FallbackControl>().unwrap().clone();
    let watch = Watch::Figure {
        name: "fallback_lag".into(),
    };
    let bound = Bound::Above {
        raise: 60.0,
        clear: 1.0,
    };
    let (store, told) = watched(SharedStore::new(store), watch, bound).await;
    let calls = Rule::on_any([Call::Get, Call::Commit, Call::Stats]);
    let gone = Fault::refuse(ErrorKind::Unavailable);
    faults.inject(calls, gone).unwrap();
    let volatile = WriteOptions::new().durability(Durability::Volatile);
    let batch = WriteBatch::new().put("k", "v");
    store.commit_with(batch, &volatile).await.unwrap();

    for (seconds, expected) in [(59, &[][..]), (1, &[true]), (3_600, &[true])] {
        clock.advance(Duration::from_secs(seconds));
        store.stats().await.unwrap();
        assert_eq!(*told.lock().unwrap(), expected);
    }
    faults.withdraw_all();
    control.probe();
    tokio::time::timeout(Duration::from_secs(10), control.returned())
        .await
        .unwrap();
    store.stats().await.unwrap();
    assert_eq!(*told.lock().unwrap(), [true, false]);
}
