//! Which commits are accepted while the primary is gone.

use std::num::NonZeroUsize;
use storage_core::{
    BatchScope, Durability, ErrorKind, KeyRange, Outcome, ReadExt, ScanOptions, Space, StoreExt,
    SystemKeys, Timestamp, WriteBatch,
    layer::{Layer, Need},
};
use storage_fallback::FallbackLayer;
use storage_testkit::faulty::{Call, Fault, Rule};

use crate::scene::{Scene, accepting, not_applied, patient, some};

#[tokio::test]
async fn an_accepted_commit_is_read_before_it_is_written_back() {
    let scene = Scene::open(accepting()).await;
    scene.put("k", "before").await;
    scene.put("gone", "before").await;
    scene.lose_primary();
    scene.put("k", "during").await;
    let batch = WriteBatch::new().delete("gone");
    let committed = scene.commit(batch, Durability::Volatile).await.unwrap();
    assert_eq!(committed.durability, Durability::Volatile);
    assert_eq!(committed.sequence, None);

    assert_eq!(scene.get("k").await.unwrap(), some("during"));
    assert_eq!(scene.get("gone").await.unwrap(), None);
    assert_eq!(scene.primary_has("k").await, some("before"));
    assert_eq!(scene.control().pending(), 2);
}

#[tokio::test]
async fn what_the_standby_cannot_judge_is_refused() {
    let scene = Scene::open(accepting()).await;
    scene.put("k", "v").await;
    let stamp = scene.store.get("k").await.unwrap().unwrap().stamp();
    scene.lose_primary();
    let system = SystemKeys::of("layer").key("k");
    for (batch, why) in [
        (WriteBatch::new().absent("new").put("new", "v"), "guards"),
        (WriteBatch::new().present("k").put("k", "v"), "guards"),
        (
            WriteBatch::new().unchanged("k", stamp).put("k", "v"),
            "guards",
        ),
        (WriteBatch::new().delete_range(KeyRange::all()), "range"),
        (WriteBatch::new().put_sequenced("k", "", "v"), "number"),
        (WriteBatch::new().put(system, "v"), "layers"),
        (WriteBatch::new(), "nothing"),
    ] {
        let again = batch.clone();
        let error = not_applied(scene.commit(batch, Durability::Volatile).await);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains(why), "{error}");
        // The same once something is pending.
        scene.put("pending", "v").await;
        let error = not_applied(scene.commit(again, Durability::Volatile).await);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains(why), "{error}");
        scene.control().abandon().await.unwrap();
    }
    assert_eq!(scene.control().pending(), 0);
}

#[tokio::test]
async fn a_commit_that_the_primary_may_have_made_is_not_accepted_as_well() {
    let scene = Scene::open(accepting()).await;
    for fault in [
        Fault::lose_answer(ErrorKind::Unavailable),
        Fault::lose_request(ErrorKind::TimedOut),
    ] {
        scene.faults.inject(Rule::on(Call::Commit), fault).unwrap();
        let batch = WriteBatch::new().put("k", "v");
        let error = scene.commit(batch, Durability::Volatile).await.unwrap_err();
        assert_eq!(error.outcome(), Some(Outcome::Unknown));
        assert_eq!(scene.control().pending(), 0);
        scene.find_primary();
    }
}

#[tokio::test]
async fn other_failures_are_the_callers() {
    let scene = Scene::open(accepting()).await;
    for kind in [ErrorKind::Full, ErrorKind::Denied, ErrorKind::Throttled] {
        let refuse = Fault::refuse(kind);
        scene.faults.inject(Rule::on(Call::Commit), refuse).unwrap();
        let batch = WriteBatch::new().put("k", "v");
        let error = not_applied(scene.commit(batch, Durability::Volatile).await);
        assert_eq!(error.kind(), kind);
        assert!(!scene.is_degraded());
        scene.find_primary();
    }
}

#[tokio::test]
async fn accepted_commits_keep_within_their_limits() {
    let two = NonZeroUsize::new(2).unwrap();
    let scene = Scene::open(accepting().pending(two, 10)).await;
    scene.lose_primary();
    let put = |value: &'static str| WriteBatch::new().put("k", value);
    let over_bytes = scene.commit(put("0123456789"), Durability::Volatile).await;
    assert!(not_applied(over_bytes).message().contains("10 bytes"));
    scene.put("k", "1").await;
    scene.put("k", "2").await;
    let over_count = scene.commit(put("3"), Durability::Volatile).await;
    assert!(not_applied(over_count).message().contains("2 commits"));
    assert_eq!(scene.get("k").await.unwrap(), some("2"));
}

#[tokio::test]
async fn commits_at_once_keep_within_the_limits_together() {
    let two = NonZeroUsize::new(2).unwrap();
    let scene = Scene::open(accepting().pending(two, 1_000)).await;
    scene.lose_primary();
    let put = || scene.commit(WriteBatch::new().put("k", "v"), Durability::Volatile);
    let (a, b, c, d) = tokio::join!(put(), put(), put(), put());
    let (accepted, refused): (Vec<_>, Vec<_>) = [a, b, c, d].into_iter().partition(Result::is_ok);
    assert_eq!(accepted.len(), 2);
    for refused in refused {
        assert!(not_applied(refused).message().contains("2 commits"));
    }
    assert_eq!(scene.control().pending(), 2);
}

#[tokio::test]
async fn commits_are_refused_unless_the_settings_say_otherwise() {
    let scene = Scene::open(patient()).await;
    scene.lose_primary();
    let batch = WriteBatch::new().put("k", "v");
    let error = not_applied(scene.commit(batch, Durability::Volatile).await);
    assert_eq!(error.layer(), Some("faulty"));
    assert_eq!(scene.control().stats().accepted, 0);
}

#[tokio::test]
async fn scans_and_snapshots_miss_no_accepted_commit() {
    let scene = Scene::open(accepting()).await;
    scene.put("a", "1").await;
    scene.lose_primary();
    scene.put("b", "2").await;
    scene.find_primary();
    let scan = |range| scene.store.scan(range, ScanOptions::new()).collect();
    let error = scan(KeyRange::all()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(scan(KeyRange::prefix("a")).await.unwrap().len(), 1);
    assert!(scan(KeyRange::all().in_space(Space::System)).await.is_ok());
    scene.store.snapshot().await.unwrap_err();
    scene.return_to_primary().await;
    assert_eq!(scan(KeyRange::all()).await.unwrap().len(), 2);
    scene.store.snapshot().await.unwrap();
}

#[tokio::test]
async fn an_accepted_entry_expires() {
    let scene = Scene::open(accepting()).await;
    scene.lose_primary();
    let past = Timestamp::from_unix_milliseconds(1);
    let batch = WriteBatch::new().put_until("k", "v", past);
    scene.commit(batch, Durability::Volatile).await.unwrap();
    assert_eq!(scene.get("k").await.unwrap(), None);
}

#[tokio::test]
async fn an_acceptance_whose_caller_has_left_is_whole() {
    let scene = Scene::open(accepting()).await;
    scene.lose_primary();
    for number in 0..100 {
        let batch = WriteBatch::new().put("k", number.to_string());
        let mut commit = Box::pin(scene.commit(batch, Durability::Volatile));
        // It is dropped after as many polls.
        let polls = number % 4;
        for _ in 0..polls {
            let poll = std::future::poll_fn(|context| {
                std::task::Poll::Ready(commit.as_mut().poll(context).is_ready())
            });
            if poll.await {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // Whoever comes next comes after all of them.
    scene.put("last", "v").await;
    let pending = scene.control().pending();
    let shown = scene.get("k").await.unwrap().unwrap();
    scene.return_to_primary().await;
    assert_eq!(scene.primary_has("k").await, Some(shown));
    let stats = scene.control().stats();
    assert_eq!(stats.written_back, stats.accepted);
    assert!(pending > 1, "{pending}");
}

/// Writing back takes guards and batches over the whole store.
#[test]
fn a_primary_that_cannot_count_what_was_written_back_is_not_accepted_for() {
    let accepting = FallbackLayer::new(accepting()).declaration();
    assert!(accepting.needs.contains(&Need::Guards));
    assert!(accepting.needs.contains(&Need::Batch(BatchScope::Store)));
    assert!(FallbackLayer::new(patient()).declaration().needs.is_empty());
}
