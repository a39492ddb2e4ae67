//! Histories recorded of a store: clients overlap, and nothing is left out.

use std::{collections::HashSet, sync::Arc};

use storage_testkit::{
    linearizability::{ClientId, History, OperationKind, Verdict, Workload, judge},
    storage_core::{
        ReadSupport, Store,
        memory::{MemoryBackend, MemoryConfig},
    },
};
use tokio::runtime::{Builder, Runtime};

use crate::{op, open};

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

/// A store in memory answers within microseconds: clients that do not meet work
/// one after the other, on a busy machine nearly always.
#[test]
fn clients_overlap_even_where_answers_are_quick() {
    const COUNT: u64 = 200;
    let histories = histories(COUNT);
    let overlapping = histories.iter().filter(|history| history.overlaps() > 0);
    let overlapping = overlapping.count();
    assert!(
        overlapping >= 180,
        "only {overlapping} of {COUNT} histories overlap"
    );
}

/// It may be over just as well.
#[test]
fn what_was_never_answered_overlaps_nothing() {
    let history = History::from_iter([
        open(0, OperationKind::Commit, 1).put("a", "1"),
        op(1, OperationKind::Get, 2, 3).saw("a", None),
    ]);
    assert_eq!(history.overlaps(), 0);
    let history = History::from_iter([
        op(0, OperationKind::Commit, 1, 2).put("a", "1"),
        op(1, OperationKind::Get, 2, 3).saw("a", None),
    ]);
    assert_eq!(history.overlaps(), 1);
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
