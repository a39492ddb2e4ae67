//! Many callers at once over a store that fails at random: every answer is
//! true, and nothing is held in the end.

use std::{num::NonZeroUsize, time::Duration};

use storage_core::{ErrorKind, Outcome, ReadExt, StoreExt};
use storage_resilience::{CircuitConfig, ResilienceConfig};
use storage_testkit::faulty::{Call, Fault, Rule};
use tokio::{task::JoinSet, time::sleep};

use crate::scene::{Scene, times};

const TASKS: u32 = 32;
const PUTS: u32 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_are_true_and_places_come_back_whatever_happens_at_once() {
    let moment = Duration::from_millis(2);
    let circuit = CircuitConfig::new()
        .opens_at(Duration::from_millis(50), times(20), 40)
        .closes_after(moment, times(2));
    let config = ResilienceConfig::new()
        .delays(Duration::ZERO, moment)
        .attempt_time_limit(moment * 3)
        .attempts_max(times(2))
        .at_once(NonZeroUsize::new(4).unwrap(), 12)
        .circuit(circuit);
    let scene = Scene::open(config).await;
    let (commits, gets) = (Call::Commit, Call::Get);
    let refuse = Fault::refuse(ErrorKind::Unavailable).retry_after(Duration::ZERO);
    let stall = |call| (call, Fault::hold(moment * 20));
    for (percent, (call, fault)) in [
        (15, (commits, refuse.clone())),
        (3, (commits, Fault::lose_answer(ErrorKind::TimedOut))),
        (3, (commits, Fault::lose_request(ErrorKind::TimedOut))),
        (2, stall(commits)),
        (15, (gets, refuse)),
        (2, stall(gets)),
    ] {
        let rule = Rule::on(call).with_chance_percent(percent);
        scene.faults.inject(rule, fault).unwrap();
    }

    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = scene.store.clone();
        tasks.spawn(async move {
            let mut outcomes = Vec::new();
            for put in 0..PUTS {
                let key = format!("{task}/{put}");
                let outcome = match store.put(&key, "v").await {
                    Ok(_) => None,
                    Err(error) => Some(error.outcome().unwrap()),
                };
                // Some are dropped half-way.
                let read = store.get(&key);
                let _ = tokio::time::timeout(Duration::from_micros(300), read).await;
                outcomes.push((key, outcome));
            }
            outcomes
        });
    }
    let outcomes: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();

    scene.faults.withdraw_all();
    scene.faults.settled().await;
    let stats = scene.stats();
    assert_eq!((stats.in_flight, stats.waiting), (0, 0));
    assert!(stats.retries > 0 && stats.time_outs > 0, "{stats:?}");
    // Trials that were under way have ended, so the next ones close the circuit.
    while scene.store.get("k").await.is_err() {
        sleep(moment).await;
    }
    judge(&scene, outcomes).await;
}

/// Checks that what each put was answered is what became of it.
async fn judge(scene: &Scene, outcomes: Vec<(String, Option<Outcome>)>) {
    let (mut applied, mut refused) = (0, 0);
    for (key, outcome) in outcomes {
        let is_there = scene.store.exists(&key).await.unwrap();
        match outcome {
            None => {
                applied += 1;
                assert!(is_there, "{key} was answered and is not there");
            }
            Some(Outcome::NotApplied) => {
                refused += 1;
                assert!(!is_there, "{key} was not applied and is there");
            }
            Some(Outcome::Unknown) => {}
        }
    }
    assert!(applied > 0 && refused > 0, "{applied} and {refused}");
}
