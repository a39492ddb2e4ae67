//! Alerts: what raises and clears them, and who is told.

use std::sync::{Arc, Mutex};

use storage_core::{ErrorKind, ReadExt, Store, StoreExt};
use storage_metrics::{Alert, AlertChange, Bound, MetricsControl, Watch, names};
use storage_testkit::faulty::{Call, Fault, Rule};

use crate::scene::{Scene, config};

type Told = Arc<Mutex<Vec<(String, bool)>>>;

async fn watching(watch: Watch, bound: Bound) -> (Scene, Told) {
    let told = Told::default();
    let telling = Arc::clone(&told);
    let note = move |change: &AlertChange| {
        let change = (change.alert.clone(), change.is_raised);
        telling.lock().unwrap().push(change);
    };
    let config = config().alert(Alert::new("watched", watch, bound));
    let scene = Scene::open_as(config, |layer| layer.on_alert(note)).await;
    (scene, told)
}

/// Takes a sample. Whether the alert is raised then, by all accounts.
async fn is_raised(scene: &Scene) -> bool {
    // A store that is down gives no figures; its errors are counted all the same.
    let _ = scene.store.stats().await;
    let control = scene.store.find::<MetricsControl>().unwrap();
    let is_raised = !control.raised_alerts().is_empty();
    let gauge = scene.recorded().gauge(names::ALERT_RAISED, "/watched");
    assert_eq!(gauge, Some(if is_raised { 1.0 } else { 0.0 }));
    is_raised
}

#[tokio::test]
async fn a_share_of_errors_raises_an_alert_once_and_answers_clear_it() {
    let bound = Bound::Above {
        raise: 0.5,
        clear: 0.1,
    };
    let (scene, told) = watching(Watch::ErrorShare, bound).await;
    assert!(!is_raised(&scene).await);
    let down = Rule::on_any([Call::Get, Call::Stats]);
    scene
        .faults
        .inject(down, Fault::refuse(ErrorKind::Unavailable))
        .unwrap();
    for _ in 0..2 {
        for _ in 0..10 {
            scene.store.get("k").await.unwrap_err();
        }
        assert!(is_raised(&scene).await);
    }
    scene.faults.withdraw_all();
    for _ in 0..100 {
        scene.store.get("k").await.unwrap();
    }
    assert!(!is_raised(&scene).await);
    let expected = [("watched".to_owned(), true), ("watched".to_owned(), false)];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[tokio::test]
async fn conflicts_are_no_failures_of_the_store() {
    let bound = Bound::Above {
        raise: 0.01,
        clear: 0.0,
    };
    let (scene, _) = watching(Watch::ErrorShare, bound).await;
    for _ in 0..10 {
        let batch = storage_core::WriteBatch::new().present("absent");
        scene.store.commit(batch).await.unwrap_err();
    }
    assert!(!is_raised(&scene).await);
}

#[tokio::test]
async fn slow_operations_raise_an_alert_on_their_latency() {
    let watch = Watch::Latency {
        operation: "get".into(),
        percentile: 90,
    };
    let bound = Bound::Above {
        raise: 0.020,
        clear: 0.020,
    };
    let (scene, _) = watching(watch, bound).await;
    let slow = Fault::hold_answer(std::time::Duration::from_millis(30));
    scene.faults.inject(Rule::on(Call::Get), slow).unwrap();
    for _ in 0..5 {
        scene.store.get("k").await.unwrap();
    }
    assert!(is_raised(&scene).await);
    // Without operations there is nothing to say.
    assert!(is_raised(&scene).await);
}

#[tokio::test]
async fn usage_raises_an_alert_between_whose_bounds_nothing_changes() {
    let bound = Bound::Above {
        raise: 10.0,
        clear: 2.0,
    };
    let (scene, told) = watching(Watch::Entries, bound).await;
    let mut course = Vec::new();
    for number in 0..12_u8 {
        scene.store.put([number].as_slice(), "v").await.unwrap();
    }
    course.push(is_raised(&scene).await);
    for number in 0..6_u8 {
        scene.store.delete(&[number]).await.unwrap();
    }
    course.push(is_raised(&scene).await);
    for number in 6..12_u8 {
        scene.store.delete(&[number]).await.unwrap();
    }
    course.push(is_raised(&scene).await);
    assert_eq!(course, [true, true, false]);
    assert_eq!(told.lock().unwrap().len(), 2);
}
