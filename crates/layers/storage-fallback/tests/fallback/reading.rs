//! Reads while the primary is gone.

use std::time::Duration;

use storage_core::{
    Consistency, ErrorKind, KeyRange, Read, ReadExt, ReadOptions, ReadSupport, ScanOptions, Store,
    StoreExt, WriteBatch,
};
use storage_fallback::{FallbackConfig, StaleReads};

use crate::scene::{Scene, always, keys, patient, some, stale, text};

#[tokio::test]
async fn what_was_read_or_written_is_served_to_reads_that_allow_it() {
    let scene = Scene::open(patient()).await;
    scene.put("written", "w").await;
    scene.primary.put("read", "r").await.unwrap();
    scene.get("read").await.unwrap();
    scene.get("absent").await.unwrap();
    scene.store.delete("written-and-deleted").await.unwrap();
    scene.lose_primary();

    assert_eq!(scene.get_stale("written").await.unwrap(), some("w"));
    assert_eq!(scene.get_stale("read").await.unwrap(), some("r"));
    assert_eq!(scene.get_stale("absent").await.unwrap(), None);
    let many = keys(&["read", "absent", "written"]);
    let entries = scene.store.get_many_with(&many, &stale()).await.unwrap();
    let found: Vec<_> = entries.iter().map(Option::is_some).collect();
    assert_eq!(found, [true, false, true]);
    assert!(scene.is_degraded());
    assert_eq!(scene.control().stats().served, 4);
}

#[tokio::test]
async fn a_read_that_does_not_allow_it_fails_as_the_primary_did() {
    let scene = Scene::open(patient()).await;
    scene.put("k", "v").await;
    scene.lose_primary_as(ErrorKind::TimedOut);
    let error = scene.get("k").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(error.layer(), Some("faulty"));
    assert_eq!(scene.control().stats().refused, 1);
}

#[tokio::test]
async fn no_setting_serves_a_linearizable_read_without_the_primary() {
    let scene = Scene::open(always()).await;
    assert_eq!(scene.store.capabilities().reads, ReadSupport::OnDemand);
    scene.put("k", "v").await;
    scene.lose_primary();
    assert_eq!(scene.get("k").await.unwrap(), some("v"));
    let demanding = ReadOptions::new().consistency(Consistency::Linearizable);
    let error = scene.store.get_with("k".into(), &demanding).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn an_answer_that_is_too_old_is_none() {
    let scene = Scene::open(patient()).await;
    scene.put("k", "v").await;
    scene.lose_primary();
    let at_most = Duration::ZERO;
    let options = ReadOptions::new().consistency(Consistency::Stale { at_most });
    let error = scene
        .store
        .get_with("k".into(), &options)
        .await
        .unwrap_err();
    assert!(error.message().contains("young enough"), "{error}");
}

#[tokio::test]
async fn absence_is_never_guessed() {
    let scene = Scene::open(always()).await;
    scene.put("known", "v").await;
    scene.lose_primary();
    let error = scene.get("unknown").await.unwrap_err();
    assert!(
        error.message().contains("the standby knows no answer"),
        "{error}"
    );
    let many = keys(&["known", "unknown"]);
    let answer = scene.store.get_many_with(&many, &stale()).await;
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unavailable);
    let page = scene
        .store
        .scan_with(&KeyRange::all(), &ScanOptions::new())
        .await;
    let error = page.unwrap_err();
    assert!(error.message().contains("what a range holds"), "{error}");
    scene.store.snapshot().await.unwrap_err();
}

#[tokio::test]
async fn what_a_scan_found_is_known_and_what_a_range_delete_removed_is_not() {
    let scene = Scene::open(patient()).await;
    for key in ["a", "b"] {
        scene.primary.put(key, "v").await.unwrap();
    }
    scene
        .store
        .scan(KeyRange::all(), ScanOptions::new())
        .collect()
        .await
        .unwrap();
    let batch = WriteBatch::new().delete_range(KeyRange::prefix("b"));
    scene.store.commit(batch).await.unwrap();
    scene.store.get("a").await.unwrap();
    scene.lose_primary();
    assert_eq!(scene.get_stale("a").await.unwrap(), some("v"));
    scene.get_stale("b").await.unwrap_err();
}

#[tokio::test]
async fn what_still_works_is_asked_of_the_primary() {
    let scene = Scene::open(patient()).await;
    scene.put("k", "old").await;
    scene.lose_primary();
    scene.get("k").await.unwrap_err();
    scene.find_primary();
    scene.primary.put("k", "new").await.unwrap();
    assert!(scene.is_degraded(), "nobody has looked yet");
    assert_eq!(scene.get_stale("k").await.unwrap(), some("new"));
}

#[tokio::test]
async fn nothing_is_remembered_where_nothing_is_served() {
    for config in [
        patient().reads(StaleReads::Refused),
        patient().remember_bytes_max(0),
    ] {
        let scene = Scene::open(config).await;
        scene.put("k", "v").await;
        scene.lose_primary();
        scene.get_stale("k").await.unwrap_err();
    }
}

#[tokio::test]
async fn the_primary_is_found_again_by_itself() {
    let short = Duration::from_millis(5);
    let scene = Scene::open(FallbackConfig::new().probes(short, short)).await;
    scene.lose_primary();
    text(scene.store.get("k").await).unwrap_err();
    assert!(scene.is_degraded());
    scene.find_primary();
    crate::scene::soon(scene.control().returned()).await;
    assert!(!scene.is_degraded());
    assert_eq!(scene.control().stats().outages, 1);
}
