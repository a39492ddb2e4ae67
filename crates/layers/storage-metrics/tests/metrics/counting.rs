//! Counts, bytes, errors, latencies, calls under way.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use storage_core::{
    ErrorKind, KeyRange, Maintenance, Read, ReadExt, ScanOptions, Store, StoreExt, WriteBatch,
};
use storage_metrics::names;
use storage_testkit::faulty::{Call, Fault, Gate, Rule};

use crate::scene::{Scene, config};

#[tokio::test]
async fn each_operation_is_counted_with_its_bytes_entries_and_latency() {
    let scene = Scene::open(config()).await;
    let store = &scene.store;
    store.put("ab", "1234").await.unwrap();
    store.put("cd", "567890").await.unwrap();
    store.get("ab").await.unwrap();
    store.get("absent").await.unwrap();
    store
        .get_many(&["ab".into(), "absent".into(), "cd".into()])
        .await
        .unwrap();
    store
        .scan_with(&KeyRange::all(), &ScanOptions::new())
        .await
        .unwrap();
    let snapshot = store.snapshot().await.unwrap();
    snapshot.get("cd").await.unwrap();
    store.health().await.unwrap();
    store.check().await.unwrap();
    store.maintain(Maintenance::Flush).await.unwrap();
    store.close().await.unwrap();

    let recorded = scene.recorded();
    let count = |name: &str, operation: &str| recorded.count(name, operation);
    for (operation, operations) in [
        ("get", 3),
        ("get_many", 1),
        ("scan", 1),
        ("commit", 2),
        ("snapshot", 1),
        ("stats", 0),
        ("health", 1),
        ("check", 1),
        ("maintain", 1),
        ("close", 1),
    ] {
        assert_eq!(
            count(names::OPERATIONS, operation),
            operations,
            "{operation}"
        );
        let latencies = recorded.values(names::DURATION, operation);
        let expected = usize::try_from(operations).unwrap();
        assert_eq!(latencies.len(), expected, "{operation}");
        assert!(latencies.iter().all(|latency| (0.0..5.0).contains(latency)));
        let in_flight = recorded.gauge(names::IN_FLIGHT, &format!("/{operation}"));
        assert_eq!(in_flight, Some(0.0), "{operation}");
        assert_eq!(count(names::CANCELLED, operation), 0);
    }
    assert_eq!(count(names::WRITTEN_BYTES, "commit"), 2 + 4 + 2 + 6);
    let read = |operation| {
        (
            count(names::READ_ENTRIES, operation),
            count(names::READ_BYTES, operation),
        )
    };
    assert_eq!(read("get"), (2, 4 + 6));
    assert_eq!(read("get_many"), (2, 4 + 6));
    assert_eq!(read("scan"), (2, 2 + 4 + 2 + 6));
}

#[tokio::test]
async fn errors_are_counted_by_kind() {
    let scene = Scene::open(config()).await;
    let fault = Fault::refuse(ErrorKind::TimedOut);
    scene
        .faults
        .inject(Rule::on(Call::Get).nth(1), fault)
        .unwrap();
    scene.store.get("k").await.unwrap_err();
    scene.store.get("k").await.unwrap();
    let conflict = WriteBatch::new().present("k").put("k", "v");
    scene.store.commit(conflict).await.unwrap_err();
    let recorded = scene.recorded();
    assert_eq!(recorded.count(names::ERRORS, "get/timed_out"), 1);
    assert_eq!(recorded.count(names::ERRORS, "commit/conflict"), 1);
    assert_eq!(recorded.count(names::OPERATIONS, "get"), 2);
    assert_eq!(recorded.count(names::WRITTEN_BYTES, "commit"), 0);
}

/// Whether `work` is ready after one poll.
async fn is_ready<F: Future>(mut work: Pin<&mut F>) -> bool {
    poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_ready())).await
}

#[tokio::test]
async fn what_is_under_way_is_shown_and_dropped_futures_count_as_cancelled() {
    let scene = Scene::open(config()).await;
    for (call, operation) in [(Call::Get, "get"), (Call::Commit, "commit")] {
        let gate = Gate::new();
        scene
            .faults
            .inject(Rule::on(call), Fault::hold(&gate))
            .unwrap();
        for polls in 0..3 {
            let under_way = if polls == 0 { 0.0 } else { 1.0 };
            {
                let mut work = pin!(call_once(&scene, call));
                for _ in 0..polls {
                    assert!(!is_ready(work.as_mut()).await);
                }
                let recorded = scene.recorded();
                let in_flight = recorded.gauge(names::IN_FLIGHT, &format!("/{operation}"));
                assert_eq!(in_flight, Some(under_way), "{operation}, {polls} polls");
            }
            let recorded = scene.recorded();
            let in_flight = recorded.gauge(names::IN_FLIGHT, &format!("/{operation}"));
            // The recorder begins anew each time that it is asked.
            assert_eq!(
                in_flight,
                Some(0.0 - under_way),
                "{operation}, {polls} polls"
            );
            let cancelled = recorded.count(names::CANCELLED, operation);
            assert_eq!(cancelled, u64::from(polls > 0), "{operation}");
            assert_eq!(recorded.count(names::OPERATIONS, operation), 0);
        }
        gate.open();
        scene.faults.withdraw_all();
        scene.faults.settled().await;
    }
    // What was dropped while it was held has been made all the same.
    assert!(scene.store.exists("k").await.unwrap());
}

async fn call_once(scene: &Scene, call: Call) {
    let answer = match call {
        Call::Get => scene.store.get("k").await.map(drop),
        _ => scene.store.put("k", "v").await.map(drop),
    };
    answer.unwrap();
}

#[tokio::test(start_paused = true)]
async fn settings_that_make_no_sense_are_refused() {
    use storage_core::{Stack, memory::MemoryConfig};
    use storage_metrics::{Alert, Bound, MetricsConfig, MetricsLayer, Watch};

    let alert = |clear| {
        let bound = Bound::Above { raise: 1.0, clear };
        Alert::new("full", Watch::DiskBytes, bound)
    };
    for (config, word) in [
        (config().sample_every(Duration::ZERO), "sample_every"),
        (config().alert(alert(2.0)), "`full`"),
        (config().alert(alert(0.5)).alert(alert(0.5)), "`full`"),
    ] {
        let stack = Stack::on(MemoryConfig::new().open()).with(MetricsLayer::new(config));
        let error = stack.open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(word), "{error}");
    }
    let text = r#"{"store": "test", "alerts": [{"name": "lag",
        "watch": {"Figure": {"name": "lag"}}, "bound": {"Above": {"raise": 2.0, "clear": 1.0}}}]}"#;
    let config: MetricsConfig = serde_json::from_str(text).unwrap();
    assert_eq!(config.alerts.len(), 1);
    assert_eq!(config.slow_after, Some(Duration::from_secs(1)));
    serde_json::from_str::<MetricsConfig>(r#"{"store": "x", "slow": 1}"#).unwrap_err();
}
