//! The fallback layer over and with stores on disk: how durable what it accepts is,
//! and what outlives the process.

mod expiring;
mod scene;

use storage::{Durability, ErrorKind, SystemKeys, WriteBatch, WriteOptions, prelude::*};
use storage_testkit::faulty::{Call, Fault, Rule};

use crate::scene::{Scene, crash, fjall, memory, not_applied, some, soon};

#[tokio::test]
async fn nothing_is_accepted_as_more_durable_than_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let scene = Scene::open(fjall(directory.path()).await, memory())
        .await
        .unwrap();
    let store = &scene.store;
    let offered = store.capabilities();
    assert_eq!(offered.durability_min, Durability::Volatile);
    assert_eq!(offered.durability_max, Durability::Synced);
    let put = || WriteBatch::new().put("k", "v");
    let volatile = WriteOptions::new().durability(Durability::Volatile);
    let kept = store.commit_with(put(), &volatile).await.unwrap();
    assert_eq!(
        kept.durability,
        Durability::Buffered,
        "the primary keeps it better"
    );

    scene.lose_primary();
    let error = not_applied(store.commit(put()).await);
    assert!(error.message().contains("asks for Synced"), "{error}");
    for durability in [Durability::Buffered, Durability::Synced] {
        let options = WriteOptions::new().durability(durability);
        not_applied(store.commit_with(put(), &options).await);
    }
    let kept = store.commit_with(put(), &volatile).await.unwrap();
    assert_eq!(kept.durability, Durability::Volatile);
}

#[tokio::test]
async fn a_standby_on_disk_is_written_back_by_the_next_process() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    // It stays while processes come and go.
    let primary = fjall(elsewhere.path()).await;
    let kept = fjall(directory.path()).await;
    let scene = Scene::open(primary.clone(), kept.clone()).await.unwrap();
    scene.lose_primary();
    for (number, durability) in [(1, Durability::Buffered), (2, Durability::Synced)] {
        let batch = WriteBatch::new()
            .put("k", number.to_string())
            .put("last", "v");
        let committed = scene.commit(batch, durability).await.unwrap();
        assert_eq!(committed.durability, durability);
    }
    crash(scene, kept).await;
    assert!(primary.get("k").await.unwrap().is_none());

    let kept = fjall(directory.path()).await;
    let scene = Scene::open(primary.clone(), kept).await.unwrap();
    assert_eq!(scene.control().pending(), 2);
    assert_eq!(scene.get("k").await.unwrap(), some("2"));
    scene.return_to_primary().await;
    assert_eq!(scene.primary_has("k").await, some("2"));
    // The next outage is written back, too: its numbers go on.
    scene.lose_primary();
    let batch = WriteBatch::new().put("k", "3");
    scene.commit(batch, Durability::Buffered).await.unwrap();
    scene.return_to_primary().await;
    assert_eq!(scene.primary_has("k").await, some("3"));
    soon(scene.store.close()).await.unwrap();
}

#[tokio::test]
async fn numbers_that_begin_anew_are_not_taken_for_those_already_written_back() {
    let directory = tempfile::tempdir().unwrap();
    let primary = memory();
    for value in ["1", "2", "3"] {
        let kept = fjall(directory.path()).await;
        let scene = Scene::open(primary.clone(), kept.clone()).await.unwrap();
        scene.lose_primary();
        scene.put("k", value).await;
        scene.return_to_primary().await;
        assert_eq!(scene.primary_has("k").await, some(value));
        crash(scene, kept).await;
    }
}

#[tokio::test]
async fn what_was_accepted_for_one_store_is_not_written_to_another() {
    let directory = tempfile::tempdir().unwrap();
    let kept = fjall(directory.path()).await;
    let scene = Scene::open(memory(), kept.clone()).await.unwrap();
    scene.lose_primary();
    scene.put("k", "v").await;
    crash(scene, kept).await;

    let kept = fjall(directory.path()).await;
    let error = Scene::open(memory(), kept).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("another store"), "{error}");
}

#[tokio::test]
async fn what_is_on_disk_is_closed_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let kept = fjall(directory.path()).await;
    let scene = Scene::open(memory(), kept).await.unwrap();
    scene.lose_primary();
    scene.put("k", "v").await;
    // Of the primary, closing still works.
    scene.find_primary();
    let refuse = Fault::refuse(ErrorKind::Unavailable);
    let rule = Rule::on(Call::Commit);
    scene.faults.inject(rule, refuse).unwrap();
    soon(scene.store.close()).await.unwrap();
    let error = scene.get("k").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    let kept = fjall(directory.path()).await;
    let rows = SystemKeys::of("fallback").range();
    assert_eq!(
        kept.count(rows).await.unwrap(),
        3,
        "what the journal is, whose, and the commit"
    );
}
