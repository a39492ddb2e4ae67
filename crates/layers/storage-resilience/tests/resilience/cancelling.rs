//! Futures that are dropped after any number of polls.

use std::{num::NonZeroUsize, pin::pin, time::Duration};

use storage_core::{KeyRange, ReadExt, Result, Store, StoreExt};
use storage_resilience::CircuitState;
use storage_testkit::faulty::{Call, Fault, Gate, Rule};
use tokio::time::advance;

use crate::scene::{Scene, Store as Resilient, poll_once, without_circuit};

/// More polls than any of the calls takes.
const POLLS_MAX: usize = 12;

/// The longest step by which a wait can be in the way.
const STEP: Duration = Duration::from_millis(400);

/// Drops the future of a call after each number of polls, over a store that
/// first refuses, then stalls, and in the end answers. Afterwards nothing may be
/// held or waited for, and the store must work.
async fn cancel_everywhere<T>(call: Call, begin: impl AsyncFn(&Resilient) -> Result<T>) {
    let mut finished = 0;
    for polls in 0..POLLS_MAX {
        let one = NonZeroUsize::MIN;
        let config = without_circuit().at_once(one, 10).attempt_time_limit(STEP);
        let scene = Scene::open(config.circuit(storage_resilience::CircuitConfig::new())).await;
        let refuse =
            Fault::refuse(storage_core::ErrorKind::Unavailable).retry_after(Duration::ZERO);
        let gate = Gate::new();
        let faults = &scene.faults;
        faults.inject(Rule::on(call).nth(1), refuse).unwrap();
        let stall = Fault::hold(&gate);
        faults.inject(Rule::on(call).nth(2), stall).unwrap();
        // Somebody is before it in the queue.
        let before = Gate::new();
        let other = if call == Call::Get {
            Call::Scan
        } else {
            Call::Get
        };
        faults
            .inject(Rule::on(other).nth(1), Fault::hold(&before))
            .unwrap();
        let holder = async {
            match other {
                Call::Scan => scene.store.count(KeyRange::all()).await.map(drop),
                _ => scene.store.get("other").await.map(drop),
            }
        };
        let mut holder = pin!(holder);
        assert!(poll_once(holder.as_mut()).await.is_none());
        {
            let mut work = pin!(begin(&scene.store));
            for poll in 0..polls {
                if poll_once(work.as_mut()).await.is_some() {
                    finished += 1;
                    break;
                }
                match poll {
                    1 => {
                        before.open();
                        holder.as_mut().await.unwrap();
                    }
                    _ => advance(STEP / 4).await,
                }
            }
        }
        before.open();
        gate.open();
        if polls < 2 {
            holder.await.unwrap();
        }
        let stats = scene.stats();
        assert_eq!((stats.in_flight, stats.waiting), (0, 0), "{polls} polls");
        faults.withdraw_all();
        faults.settled().await;
        scene.store.put("k", "after").await.unwrap();
        assert!(scene.store.exists("k").await.unwrap());
        assert_eq!(scene.control().circuit(), CircuitState::Closed);
        scene.store.close().await.unwrap();
    }
    assert!(finished > 0, "no number of polls was enough");
    assert!(finished < POLLS_MAX, "every number of polls was enough");
}

#[tokio::test(start_paused = true)]
async fn a_get_dropped_anywhere_leaves_nothing_behind() {
    cancel_everywhere(Call::Get, async |store| store.get("k").await).await;
}

#[tokio::test(start_paused = true)]
async fn a_scan_dropped_anywhere_leaves_nothing_behind() {
    cancel_everywhere(Call::Scan, async |store| store.count(KeyRange::all()).await).await;
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_dropped_anywhere_leaves_nothing_behind() {
    cancel_everywhere(Call::Snapshot, async |store| {
        store.snapshot().await.map(drop)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_dropped_anywhere_leaves_nothing_behind() {
    cancel_everywhere(Call::Commit, async |store| store.put("k", "v").await).await;
}
