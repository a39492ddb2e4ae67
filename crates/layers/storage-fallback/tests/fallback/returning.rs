//! The way back.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use storage_core::{
    Consistency, Durability, ErrorKind, KeyRange, Outcome, Read, ReadExt, ReadOptions, ScanOptions,
    SharedStore, Space, Store, StoreExt, WriteBatch,
};
use storage_fallback::{FallbackLayer, FallbackState, StandbyWrites};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Gate, Rule};

use crate::scene::{Scene, accepting, memory, not_applied, patient, some, soon};

#[tokio::test]
async fn what_was_accepted_is_written_back_in_order() {
    let scene = Scene::open(accepting()).await;
    scene.lose_primary();
    for number in 0..5_000 {
        scene
            .put(&format!("k{}", number % 7), &number.to_string())
            .await;
    }
    let batch = WriteBatch::new().delete("k0");
    scene.commit(batch, Durability::Volatile).await.unwrap();
    scene.return_to_primary().await;
    assert_eq!(scene.primary_has("k0").await, None);
    for key in 1..7 {
        let last = (0..5_000).rfind(|number| number % 7 == key).unwrap();
        assert_eq!(
            scene.primary_has(&format!("k{key}")).await,
            Some(last.to_string())
        );
    }
    assert_eq!(scene.control().stats().written_back, 5_001);
    assert_eq!(scene.control().state(), FallbackState::Primary);
    assert_eq!(scene.get("k0").await.unwrap(), None);
}

#[tokio::test]
async fn what_others_wrote_meanwhile_is_overwritten() {
    let scene = Scene::open(accepting()).await;
    scene.lose_primary();
    scene.put("k", "ours").await;
    scene.primary.put("k", "theirs").await.unwrap();
    scene.primary.put("other", "theirs").await.unwrap();
    scene.return_to_primary().await;
    assert_eq!(scene.primary_has("k").await, some("ours"));
    assert_eq!(scene.primary_has("other").await, some("theirs"));
}

#[tokio::test]
async fn a_commit_comes_after_what_is_pending_though_the_primary_is_back() {
    let scene = Scene::open(accepting()).await;
    scene.lose_primary();
    scene.put("k", "1").await;
    scene.find_primary();
    // Nobody has noticed: to the primary it would go past what is pending.
    scene.put("k", "2").await;
    assert_eq!(scene.primary_has("k").await, None);
    let guarded = WriteBatch::new().present("k").put("k", "3");
    let error = not_applied(scene.commit(guarded.clone(), Durability::Volatile).await);
    assert!(matches!(error.retry(), storage_core::Retry::After(_)));
    scene.return_to_primary().await;
    assert_eq!(scene.primary_has("k").await, some("2"));
    scene.commit(guarded, Durability::Volatile).await.unwrap();
    assert_eq!(scene.primary_has("k").await, some("3"));
}

#[tokio::test]
async fn a_second_outage_in_the_middle_loses_and_repeats_nothing() {
    let scene = Scene::open(accepting()).await;
    scene.lose_primary();
    for number in 0..10_000 {
        scene.put(&format!("{number:05}"), "v").await;
    }
    // The third commit of the way back and all after it are refused.
    scene.find_primary();
    let calls = scene.faults.calls(Call::Commit);
    let refuse = Fault::refuse(ErrorKind::Unavailable);
    let rule = Rule::on(Call::Commit).from_nth(3);
    scene.faults.inject(rule, refuse).unwrap();
    scene.control().probe();
    soon(async {
        while scene.faults.calls(Call::Commit) < calls + 3 || !scene.is_degraded() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let left = scene.control().pending();
    assert!((1..10_000).contains(&left), "{left} are left");
    assert_eq!(scene.get("09999").await.unwrap(), some("v"));
    scene.return_to_primary().await;
    assert_eq!(scene.control().stats().written_back, 10_000);
    assert_eq!(scene.control().stats().outages, 1);
    for number in [0, 5_000, 9_999] {
        assert_eq!(scene.primary_has(&format!("{number:05}")).await, some("v"));
    }
}

/// A write-back whose answer is lost comes late, after what was written since.
#[tokio::test]
async fn a_write_back_that_comes_late_undoes_nothing() {
    let scene = Scene::open(accepting()).await;
    scene.lose_primary();
    scene.put("k", "accepted").await;
    scene.find_primary();
    let gate = Gate::new();
    // The first makes the row that counts, the second is the write-back.
    let late = Fault::apply_late(ErrorKind::TimedOut, &gate);
    let rule = Rule::on(Call::Commit).nth(2);
    let late = scene.faults.inject(rule, late).unwrap();
    scene.control().probe();
    soon(async {
        while late.times() == 0 || !scene.is_degraded() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert_eq!(
        scene.control().pending(),
        1,
        "nobody knows what became of it"
    );
    scene.control().probe();
    soon(scene.control().returned()).await;
    scene.store.put("k", "since").await.unwrap();
    gate.open();
    soon(scene.faults.settled()).await;
    assert_eq!(scene.primary_has("k").await, some("since"));
}

/// The same of one that was given up meanwhile: by this process, or by one before.
#[tokio::test]
async fn an_abandoned_write_back_that_comes_late_undoes_nothing() {
    for reopens in [false, true] {
        let (primary, standby) = (memory(), memory());
        let layer = || FallbackLayer::new(accepting()).standby(standby.clone());
        let scene = Scene::over(primary.clone(), layer()).await.unwrap();
        scene.lose_primary();
        scene.put("k", "accepted").await;
        scene.find_primary();
        let gate = Gate::new();
        let late = Fault::apply_late(ErrorKind::TimedOut, &gate);
        let rule = Rule::on(Call::Commit).nth(2);
        let late = scene.faults.inject(rule, late).unwrap();
        scene.control().probe();
        soon(async {
            while late.times() == 0 || !scene.is_degraded() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        assert_eq!(scene.control().abandon().await.unwrap(), 1);
        let again = Scene::over(primary, layer()).await.unwrap();
        let writer = if reopens { &again } else { &scene };
        writer.store.put("k", "since").await.unwrap();
        gate.open();
        soon(scene.faults.settled()).await;
        assert_eq!(writer.primary_has("k").await, some("since"), "{reopens}");
    }
}

/// The standby has it, though nobody knows; the next open would find it.
#[tokio::test]
async fn an_append_of_unknown_outcome_undoes_nothing_after_the_next_open() {
    let (primary, kept, faults) = (memory(), memory(), Faults::new());
    let standby = SharedStore::new(FaultyStore::new(kept.clone(), &faults));
    let layer = FallbackLayer::new(accepting()).standby(standby);
    let scene = Scene::over(primary.clone(), layer).await.unwrap();
    scene.lose_primary();
    let lost = Fault::lose_answer(ErrorKind::TimedOut);
    faults.inject(Rule::on(Call::Commit), lost).unwrap();
    let batch = WriteBatch::new().put("k", "doubtful");
    let error = scene.commit(batch, Durability::Volatile).await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown));
    faults.withdraw_all();
    scene.find_primary();
    scene.store.put("k", "since").await.unwrap();
    drop(scene);
    let layer = FallbackLayer::new(accepting()).standby(kept);
    let again = Scene::over(primary, layer).await.unwrap();
    again.control().probe();
    soon(again.control().returned()).await;
    assert_eq!(again.get("k").await.unwrap(), some("since"));
    assert_eq!(again.primary_has("k").await, some("since"));
}

#[tokio::test]
async fn rows_that_the_primary_has_are_not_pending_after_the_next_open() {
    let (primary, kept, faults) = (memory(), memory(), Faults::new());
    let standby = SharedStore::new(FaultyStore::new(kept.clone(), &faults));
    let layer = FallbackLayer::new(accepting()).standby(standby);
    let scene = Scene::over(primary.clone(), layer).await.unwrap();
    scene.lose_primary();
    scene.put("k", "accepted").await;
    // The row cannot be removed when it is written back.
    let refuse = Fault::refuse(ErrorKind::Full);
    faults.inject(Rule::on(Call::Commit), refuse).unwrap();
    scene.return_to_primary().await;
    drop(scene);
    primary.put("k", "since").await.unwrap();
    for _ in 0..2 {
        let layer = FallbackLayer::new(accepting()).standby(kept.clone());
        let again = Scene::over(primary.clone(), layer).await.unwrap();
        assert_eq!(again.control().pending(), 0);
        assert_eq!(again.get("k").await.unwrap(), some("since"));
    }
    let system = KeyRange::all().in_space(Space::System);
    let rows = kept.scan(system, ScanOptions::new()).collect().await;
    assert_eq!(rows.unwrap().len(), 2, "who the journal is, and whose");
}

#[tokio::test]
async fn a_write_back_whose_answer_is_lost_is_made_once() {
    let scene = Scene::open(accepting()).await;
    scene.lose_primary();
    scene.put("k", "accepted").await;
    scene.find_primary();
    let lost = Fault::lose_answer(ErrorKind::TimedOut);
    let lost = scene
        .faults
        .inject(Rule::on(Call::Commit).nth(2), lost)
        .unwrap();
    scene.control().probe();
    soon(async {
        while lost.times() == 0 || !scene.is_degraded() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    // It was made, and somebody else has written since.
    assert_eq!(scene.primary_has("k").await, some("accepted"));
    scene.primary.put("k", "theirs, later").await.unwrap();
    scene.control().probe();
    soon(scene.control().returned()).await;
    assert_eq!(scene.primary_has("k").await, some("theirs, later"));
    assert_eq!(scene.control().stats().written_back, 1);
}

#[tokio::test]
async fn a_linearizable_read_waits_for_what_is_pending() {
    let scene = Scene::open(accepting()).await;
    scene.lose_primary();
    scene.put("k", "v").await;
    scene.find_primary();
    let demanding = ReadOptions::new().consistency(Consistency::Linearizable);
    let read = || scene.store.get_with("k".into(), &demanding);
    let error = read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    scene.return_to_primary().await;
    assert!(read().await.unwrap().is_some());
}

/// Tasks write while the primary goes and comes back again and again: what was
/// acknowledged last of each key is there in the end, and reads show it all along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outages_in_the_middle_of_writes_lose_nothing_that_was_acknowledged() {
    let short = Duration::from_millis(1);
    let config = patient()
        .writes(StandbyWrites::Overwriting)
        .probes(short, short * 4);
    let scene = Arc::new(Scene::open(config).await);
    let tasks = (0..8).map(|task| {
        let scene = Arc::clone(&scene);
        tokio::spawn(async move {
            let key = format!("task/{task}");
            let mut last = None;
            for number in 0..500_u32 {
                let batch = WriteBatch::new().put(key.as_str(), number.to_string());
                match scene.commit(batch, Durability::Volatile).await {
                    Ok(_) => last = Some(number.to_string()),
                    Err(error) => panic!("{error}: memory accepts everything"),
                }
                match scene.get(&key).await {
                    Ok(shown) => assert_eq!(shown, last),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable),
                }
                tokio::task::yield_now().await;
            }
            (key, last)
        })
    });
    let tasks: Vec<_> = tasks.collect();
    while tasks.iter().any(|task| !task.is_finished()) {
        scene.lose_primary();
        tokio::time::sleep(Duration::from_millis(3)).await;
        scene.find_primary();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut last = BTreeMap::new();
    for task in tasks {
        let (key, value) = task.await.unwrap();
        last.insert(key, value);
    }
    soon(scene.control().returned()).await;
    for (key, value) in last {
        assert_eq!(scene.primary_has(&key).await, value, "{key}");
    }
    let stats = scene.control().stats();
    assert!(stats.outages > 0 && stats.accepted > 0, "{stats:?}");
    assert_eq!(stats.written_back, stats.accepted);
    soon(scene.store.close()).await.unwrap();
}
