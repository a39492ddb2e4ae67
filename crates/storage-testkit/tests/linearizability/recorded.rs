//! Histories recorded of a store: clients overlap, and nothing is left out.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use storage_testkit::{
    linearizability::{ClientId, History, OperationKind, Verdict, Workload, judge},
    storage_core::{
        ReadSupport, Store,
        memory::{MemoryBackend, MemoryConfig},
    },
};
use tokio::runtime::{Builder, Runtime};

const CLIENTS: u32 = 4;

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(8)
        .enable_all()
        .build()
        .unwrap()
}

fn workload(seed: u64, process: u32) -> Workload {
    Workload {
        prefix: format!("{seed}/").into(),
        process,
        clients: CLIENTS,
        operations: 20,
        seed,
    }
}

fn histories(count: u64) -> Vec<History> {
    runtime().block_on(async {
        let store = Arc::new(MemoryConfig::new().open());
        let mut histories = Vec::new();
        for seed in 0..count {
            histories.push(workload(seed, 0).record(&store).await.unwrap());
        }
        store.close().await.unwrap();
        histories
    })
}

/// A store in memory answers within microseconds; clients that ran one after the
/// other would show nothing. On a busy machine they often do.
#[test]
fn clients_overlap_even_where_answers_are_quick() {
    const TIME_MAX: Duration = Duration::from_mins(1);
    let start = Instant::now();
    while start.elapsed() < TIME_MAX {
        if histories(20).iter().any(|history| history.overlaps() > 0) {
            return;
        }
    }
    panic!("no operation overlapped another within {TIME_MAX:?}");
}

#[test]
fn every_kind_of_operation_is_recorded() {
    let histories = histories(20);
    let operations = || histories.iter().flat_map(History::operations);
    let kinds: HashSet<_> = operations().map(|operation| operation.kind).collect();
    assert_eq!(
        kinds,
        HashSet::from([
            OperationKind::Get,
            OperationKind::GetMany,
            OperationKind::Page,
            OperationKind::Snapshot,
            OperationKind::Commit,
            OperationKind::Delete,
            OperationKind::CompareAndSwap,
        ])
    );
    let clients: HashSet<_> = operations().map(|operation| operation.client).collect();
    // One more reads everything at the end.
    assert_eq!(clients, (0..=CLIENTS).map(ClientId::new).collect());
    assert!(operations().any(|operation| operation.changes.len() > 1));
    assert!(operations().any(|operation| operation.changes.iter().any(|(_, new)| new.is_none())));
}

/// Two workloads on one prefix stand for two processes that share a store.
#[test]
fn workloads_that_share_a_prefix_make_one_history() {
    let record = |store: &Arc<MemoryBackend>, seed, process| {
        let store = Arc::clone(store);
        tokio::spawn(async move { workload(seed, process).record(&store).await.unwrap() })
    };
    let (mut whole_right, mut halves_wrong) = (0, 0);
    runtime().block_on(async {
        let store = Arc::new(MemoryConfig::new().open());
        for seed in 0..20 {
            let (first, second) = (record(&store, seed, 1), record(&store, seed, 2));
            let half = first.await.unwrap();
            let lines = second.await.unwrap().to_lines().unwrap();
            halves_wrong += usize::from(is_rejected(&half));
            let mut whole = half;
            whole.merge(History::from_lines(&lines).unwrap());
            whole_right += usize::from(!is_rejected(&whole));
        }
    });
    assert_eq!(whole_right, 20);
    assert!(halves_wrong > 0, "each half should miss the other's values");
}

fn is_rejected(history: &History) -> bool {
    judge(history, ReadSupport::Linearizable) != Verdict::Linearizable
}
