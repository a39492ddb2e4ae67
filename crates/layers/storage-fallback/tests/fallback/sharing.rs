//! Two processes with one standby: by mistake, or because the first has hung.

use storage_core::{
    Durability, ErrorKind, Outcome, ReadExt, SharedStore, Store, StoreExt, WriteBatch,
};
use storage_fallback::FallbackLayer;
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Gate, Rule};

use crate::scene::{Scene, accepting, memory, not_applied, some, soon};

/// Two, of which the second has the standby.
struct Two {
    first: Scene,
    second: Scene,
    /// Of what the first does to the standby.
    faults: Faults,
}

#[expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
impl Two {
    /// The first has accepted `k` before the second comes.
    async fn open() -> Self {
        let (primary, kept, faults) = (memory(), memory(), Faults::new());
        let standby = SharedStore::new(FaultyStore::new(kept.clone(), &faults));
        let layer = |standby| FallbackLayer::new(accepting()).standby(standby);
        let first = Scene::over(primary.clone(), layer(standby)).await.unwrap();
        first.lose_primary();
        first.put("k", "first").await;
        let second = Scene::over(primary, layer(kept)).await.unwrap();
        second.lose_primary();
        assert_eq!(second.control().pending(), 1);
        Self {
            first,
            second,
            faults,
        }
    }
}

fn put(key: &str, value: &str) -> WriteBatch {
    WriteBatch::new().put(key, value.to_owned())
}

fn issues(health: &storage_core::Health) -> Vec<&'static str> {
    health.issues.iter().map(|issue| issue.name).collect()
}

#[tokio::test]
async fn who_opens_a_standby_takes_it_from_who_had_it() {
    let Two { first, second, .. } = Two::open().await;
    second.put("k", "second").await;
    for _ in 0..2 {
        let refused = first.commit(put("k", "lost"), Durability::Volatile).await;
        let error = not_applied(refused);
        assert_eq!(error.kind(), ErrorKind::Poisoned);
        assert!(error.message().contains("same standby"), "{error}");
    }
    let error = first.control().abandon().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Poisoned);
    let health = first.store.health().await.unwrap();
    assert!(issues(&health).contains(&"standby_taken"), "{health:?}");
    let health = second.store.health().await.unwrap();
    assert!(!issues(&health).contains(&"standby_taken"), "{health:?}");
}

#[tokio::test]
async fn who_is_refused_a_standby_takes_it_from_nobody() {
    let (primary, kept) = (memory(), memory());
    let layer = || FallbackLayer::new(accepting()).standby(kept.clone());
    let first = Scene::over(primary, layer()).await.unwrap();
    first.lose_primary();
    first.put("k", "1").await;
    let another = Scene::over(memory(), layer()).await.err().unwrap();
    assert_eq!(another.kind(), ErrorKind::Invalid, "{another}");
    first.put("k", "2").await;
    first.return_to_primary().await;
    assert_eq!(first.primary_has("k").await, some("2"));
}

/// Whoever comes first writes back what both know of, and nobody does so twice.
#[tokio::test]
async fn what_both_know_of_is_written_back_once() {
    for is_first in [true, false] {
        let Two { first, second, .. } = Two::open().await;
        second.put("k", "second").await;
        if is_first {
            first.return_to_primary().await;
            assert_eq!(first.primary_has("k").await, some("first"));
        }
        second.return_to_primary().await;
        assert_eq!(second.primary_has("k").await, some("second"));
        first.return_to_primary().await;
        assert_eq!(first.control().pending(), 0);
        assert_eq!(first.primary_has("k").await, some("second"), "{is_first}");
        // With the primary it goes on as before.
        first.store.put("k", "since").await.unwrap();
        assert_eq!(second.get("k").await.unwrap(), some("since"));
        soon(first.store.close()).await.unwrap();
    }
}

/// What the first still had under way to the standby is not appended after the second has
/// read it, and fencing it off does not swallow what the second has accepted.
#[tokio::test]
async fn an_append_that_comes_late_is_refused_and_swallows_nothing() {
    let (primary, kept, faults) = (memory(), memory(), Faults::new());
    let standby = SharedStore::new(FaultyStore::new(kept.clone(), &faults));
    let layer = |standby| FallbackLayer::new(accepting()).standby(standby);
    let first = Scene::over(primary.clone(), layer(standby)).await.unwrap();
    first.lose_primary();
    let gate = Gate::new();
    let late = Fault::apply_late(ErrorKind::TimedOut, &gate);
    faults.inject(Rule::on(Call::Commit), late).unwrap();
    let doubtful = first.commit(put("k", "late"), Durability::Volatile).await;
    assert_eq!(doubtful.unwrap_err().outcome(), Some(Outcome::Unknown));
    faults.withdraw_all();

    let second = Scene::over(primary, layer(kept.clone())).await.unwrap();
    second.lose_primary();
    second.put("k", "second").await;
    gate.open();
    soon(faults.settled()).await;
    // The first rules out that what it has tried arrives.
    first.return_to_primary().await;
    second.return_to_primary().await;
    assert_eq!(second.primary_has("k").await, some("second"));
    assert_eq!(second.control().stats().written_back, 1);
}

#[tokio::test]
async fn a_standby_that_does_not_answer_is_an_issue() {
    let Two { first, faults, .. } = Two::open().await;
    let refuse = Fault::refuse(ErrorKind::Unavailable);
    faults.inject(Rule::on(Call::Get), refuse).unwrap();
    let health = first.store.health().await.unwrap();
    assert!(issues(&health).contains(&"standby_gone"), "{health:?}");
}

/// Many open one standby again and again, and each accepts what it can: nothing that
/// was acknowledged is lost, whoever writes it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_goes_from_hand_to_hand_loses_nothing() {
    let (primary, kept) = (memory(), memory());
    let mut acknowledged = Vec::new();
    let mut scenes: Vec<Scene> = Vec::new();
    for number in 0..40 {
        let layer = FallbackLayer::new(accepting()).standby(kept.clone());
        let scene = Scene::over(primary.clone(), layer).await.unwrap();
        scene.lose_primary();
        scenes.push(scene);
        for (place, scene) in scenes.iter().enumerate() {
            let key = format!("{number}/{place}");
            let answer = scene.commit(put(&key, "v"), Durability::Volatile).await;
            assert_eq!(answer.is_ok(), place == number, "the last alone has it");
            if answer.is_ok() {
                acknowledged.push(key);
            }
        }
        // Now and then one of those before finds the primary.
        if number % 5 == 0 {
            let scene = &scenes[number / 2];
            scene.return_to_primary().await;
            scene.lose_primary();
        }
    }
    for scene in &scenes {
        scene.return_to_primary().await;
    }
    assert_eq!(acknowledged.len(), 40);
    for key in acknowledged {
        assert!(primary.get(&key).await.unwrap().is_some(), "{key}");
    }
}
