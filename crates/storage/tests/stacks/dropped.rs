//! Calls whose futures are dropped after any number of polls, over an engine of which
//! each call takes a while: before it is carried out, or before it is answered.

use std::{convert::identity, future::poll_fn, pin::pin, task::Poll, time::Duration};

use storage::{
    Components, Item, KeyRange, ScanOptions, SharedStore, WriteBatch, memory::MemoryConfig,
    prelude::*,
};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Rule};
use tokio::{runtime, time};

use crate::{
    each::test_all,
    layers::{Below, Layer, open},
};

/// More polls than any of the calls takes.
const POLLS_MAX: u32 = 100;

/// How long a read of the engine takes, and how long a commit: there is time to read
/// before it is made.
const READ_HOLD: Duration = Duration::from_millis(1);
const COMMIT_HOLD: Duration = Duration::from_millis(4);

/// Long enough for what takes milliseconds, however busy the machine.
const PATIENCE: Duration = Duration::from_mins(1);

macro_rules! dropped {
    ($layers:expr) => {
        #[test]
        fn calls_dropped_anywhere_leave_a_store_that_works() {
            super::check($layers);
        }
    };
}

test_all!(dropped, identity);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dropped {
    Commit,
    Get,
    Scan,
    Snapshot,
}

/// The fault that makes calls take so long.
type Slow = fn(Duration) -> Fault;

impl Dropped {
    const ALL: [Self; 4] = [Self::Commit, Self::Get, Self::Scan, Self::Snapshot];
}

fn check(layers: &[Layer]) {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for slow in [Fault::hold, Fault::hold_answer] {
            for call in Dropped::ALL {
                drop_anywhere(layers, slow, call).await;
            }
        }
    });
    runtime.shutdown_background();
}

/// Drops a call after one poll, after two, and so on, until it takes no more.
async fn drop_anywhere(layers: &[Layer], slow: Slow, call: Dropped) {
    for polls in 1.. {
        assert!(polls < POLLS_MAX, "{call:?} never ends");
        let has_ended = time::timeout(PATIENCE, drop_after(layers, slow, call, polls)).await;
        assert!(
            has_ended.is_ok(),
            "{call:?} dropped at poll {polls} hangs, or is lost"
        );
        if has_ended == Ok(true) {
            return;
        }
    }
}

/// Drops a call after so many polls, if it has not ended by then, and says whether it has.
async fn drop_after(layers: &[Layer], slow: Slow, call: Dropped, polls: u32) -> bool {
    let (components, faults) = (Components::default(), Faults::new());
    let engine = FaultyStore::new(MemoryConfig::new().open_with(&components), &faults);
    let engine = SharedStore::new(engine);
    let store = open(layers, Below::Faulty, engine, components).await;
    let store = store.expect("a stack");
    store.commit(both("1")).await.expect("a commit");
    let reads = [Call::Get, Call::GetMany, Call::Scan, Call::Snapshot];
    for (rule, hold) in [
        (Rule::on_any(reads), READ_HOLD),
        (Rule::on(Call::Commit), COMMIT_HOLD),
    ] {
        faults.inject(rule, slow(hold)).expect("a fault");
    }
    let has_ended = match call {
        Dropped::Commit => within(polls, store.commit(both("2"))).await,
        Dropped::Get => within(polls, store.get("a")).await,
        Dropped::Scan => within(polls, store.count(KeyRange::all())).await,
        Dropped::Snapshot => within(polls, store.snapshot()).await,
    };
    let what = format!("{call:?} dropped at poll {polls}");
    assert!(faults.injected() > 0, "{what}, was not slow");
    if call == Dropped::Commit {
        // A commit is accepted by its first poll, and then made without its caller.
        while !has_ended && content(&store).await == ["1", "1"] {
            // What a cache keeps of this is of no use soon.
            store.get("a").await.expect("an answer");
        }
        assert_holds(&store, "2", &what).await;
    } else {
        assert_holds(&store, "1", &what).await;
    }
    faults.withdraw_all();
    store.commit(both("3")).await.expect("a commit");
    assert_holds(&store, "3", &what).await;
    let report = store.check().await.expect("a check");
    assert_eq!(report.damages, [], "{what}");
    store.close().await.expect("an end");
    has_ended
}

fn both(value: &'static str) -> WriteBatch {
    WriteBatch::new().put("a", value).put("b", value)
}

/// Checks that both keys have this value, however they are read.
async fn assert_holds(store: &SharedStore, value: &str, what: &str) {
    assert_eq!(content(store).await, [value, value], "{what}");
    for key in ["a", "b"] {
        // The second time by what was kept of the first.
        for _ in 0..2 {
            let entry = store.get(key).await.expect("an answer");
            let found = entry.expect("an entry").into_value();
            assert_eq!(found, value.as_bytes(), "{key}, {what}");
        }
    }
}

/// The values of all keys, at one instant.
async fn content(store: &SharedStore) -> Vec<String> {
    let page = store
        .scan(KeyRange::all(), ScanOptions::new())
        .collect()
        .await;
    let text = |item: Item| String::from_utf8_lossy(item.entry.value()).into_owned();
    page.expect("a scan").into_iter().map(text).collect()
}

/// Whether `work` ends within so many polls; if not, it is dropped.
async fn within<T>(polls: u32, work: impl Future<Output = storage::Result<T>>) -> bool {
    let (mut work, mut left) = (pin!(work), polls);
    poll_fn(|context| {
        left -= 1;
        match work.as_mut().poll(context) {
            Poll::Ready(answer) => {
                answer.map(drop).expect("an answer");
                Poll::Ready(true)
            }
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
