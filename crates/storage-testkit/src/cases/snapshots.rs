//! Snapshots: one state of the store, whatever is written after.

use std::{sync::Arc, time::Duration};

use storage_core::{
    BatchScope, Entry, ErrorKind, KeyRange, OwnedKey, Read, ReadExt, ScanOptions, SnapshotSupport,
    Store, StoreExt, Support, WriteBatch,
};

use super::concurrency::{PAIR, pair_is_whole, write_pairs};
use crate::{
    Bench, CaseResult, Subject,
    failure::{ensure, ensure_eq},
    fixture::{
        contents, directions, fill, key_value, refused, refuses_wide_batches, towards, walk,
    },
};

/// A snapshot holds every commit that was answered before it.
pub async fn a_snapshot_sees_every_answered_commit<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if refuses_snapshots(&store).await? {
        return Ok(());
    }
    let empty = store.snapshot().await?;
    let mut all = Vec::new();
    for number in 0..20_u8 {
        store.put(&[number], "v").await?;
        all.push(key_value([number], "v"));
        let snapshot = store.snapshot().await?;
        ensure_eq!(contents(&snapshot).await?, all, "after commit {number}");
    }
    ensure_eq!(
        contents(&empty).await?,
        vec![],
        "the snapshot of the empty store"
    );
    Ok(())
}

/// Later puts, overwrites, deletes and range deletes do not reach a snapshot.
pub async fn a_snapshot_never_changes<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let all: Vec<_> = ["", "a", "b", "c", "d"]
        .map(|key| key_value(key, "old"))
        .to_vec();
    fill(&store, all.clone()).await?;
    if refuses_snapshots(&store).await? {
        return Ok(());
    }
    let snapshot = store.snapshot().await?;
    for (key, value) in [("a", "new"), ("e", "new"), ("0", "new")] {
        store.put(key, value).await?;
        ensure_eq!(contents(&snapshot).await?, all, "after a put of {key}");
    }
    store.delete("b").await?;
    ensure_eq!(contents(&snapshot).await?, all, "after a delete");
    if store.capabilities().range_deletes == Support::Supported {
        store.delete_range(KeyRange::all()).await?;
        ensure_eq!(
            contents(&snapshot).await?,
            all,
            "after a delete of everything"
        );
        ensure_eq!(contents(&store).await?, vec![], "the store itself");
    }
    let second = store.snapshot().await?;
    store.put("f", "newer").await?;
    ensure_eq!(
        second.get("f").await?,
        None,
        "a later snapshot has its own state"
    );
    ensure_eq!(
        contents(&snapshot).await?,
        all,
        "the first snapshot, in the end"
    );
    Ok(())
}

/// Every kind of read of a snapshot shows the same state.
pub async fn every_read_of_a_snapshot_agrees<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, (0..50_u8).map(|n| key_value([n], [n, n]))).await?;
    if refuses_snapshots(&store).await? {
        return Ok(());
    }
    let snapshot = store.snapshot().await?;
    fill(&store, (0..100_u8).map(|n| key_value([n], "new"))).await?;
    let keys: Vec<OwnedKey> = (0..100_u8).map(|n| vec![n].into()).collect();
    let many = snapshot.get_many(&keys).await?;
    for (key, entry) in keys.iter().zip(&many) {
        ensure_eq!(
            snapshot.get(key).await?,
            *entry,
            "get and get_many of {key:?}"
        );
    }
    ensure_eq!(snapshot.count(KeyRange::all()).await?, 50, "the count");
    for direction in directions(store.capabilities()) {
        let options = towards(*direction).entries_max(7);
        let mut items = walk(&snapshot, &KeyRange::all(), &options).await?;
        items.sort_by(|a, b| a.key.cmp(&b.key));
        let scanned = items.into_iter().map(|item| item.entry);
        ensure!(
            scanned.eq(many.iter().flatten().cloned()),
            "{direction:?} scan and get_many"
        );
    }
    Ok(())
}

/// A snapshot's sequence is that of the last commit it sees.
pub async fn a_snapshot_knows_its_place_among_the_commits<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    if refuses_snapshots(&store).await? {
        return Ok(());
    }
    let before = store.put("a", "1").await?.sequence;
    let snapshot = store.snapshot().await?;
    let after = store.put("b", "2").await?.sequence;
    let seen = snapshot.sequence();
    if before.is_none() {
        ensure_eq!(
            seen,
            None,
            "the sequence of a snapshot where commits have none"
        );
        return Ok(());
    }
    ensure!(
        before <= seen && seen < after,
        "{before:?} <= {seen:?} < {after:?}"
    );
    store.put("c", "3").await?;
    ensure_eq!(snapshot.sequence(), seen, "the sequence later on");
    Ok(())
}

/// No batch is in a snapshot by half, however it is read, while another task
/// writes.
pub async fn a_snapshot_never_shows_half_a_batch<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = Arc::new(bench.open().await?);
    if refuses_snapshots(&*store).await? {
        return Ok(());
    }
    if store.capabilities().batch != BatchScope::Store {
        return refuses_wide_batches(&*store).await;
    }
    let mut writing = write_pairs(&store).await?;
    while writing.goes_on() {
        let snapshot = store.snapshot().await?;
        let many = snapshot.get_many(&PAIR.map(OwnedKey::from)).await?;
        let values: Vec<_> = many
            .into_iter()
            .map(|entry| entry.map(Entry::into_value))
            .collect();
        pair_is_whole(&values)?;
        let options = ScanOptions::new().entries_max(1);
        let items = walk(&snapshot, &KeyRange::all(), &options).await?;
        let values: Vec<_> = items
            .into_iter()
            .map(|item| Some(item.entry.into_value()))
            .collect();
        pair_is_whole(&values)?;
        let mut singly = Vec::new();
        for key in PAIR {
            singly.push(snapshot.get(key).await?.map(Entry::into_value));
            tokio::task::yield_now().await;
        }
        pair_is_whole(&singly)?;
    }
    writing.stop().await
}

/// A snapshot outlives the writes of many others, as long as is advertised.
pub async fn a_snapshot_lasts_as_long_as_advertised<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("k", "old").await?;
    if refuses_snapshots(&store).await? {
        return Ok(());
    }
    let snapshot = store.snapshot().await?;
    for round in 0..200_u32 {
        fill(&store, [("k", round.to_string()), ("l", round.to_string())]).await?;
    }
    match store.capabilities().snapshots {
        SnapshotSupport::Within(age) => bench.advance_milliseconds(
            u64::try_from((age / 2).min(Duration::from_mins(1)).as_millis()).unwrap_or(0),
        ),
        _ => bench.advance_milliseconds(1_000_000),
    }
    ensure_eq!(
        contents(&snapshot).await?,
        vec![key_value("k", "old")],
        "the snapshot"
    );
    Ok(())
}

/// Once its store is closed, a snapshot answers `Closed`.
pub async fn a_snapshot_of_a_closed_store_is_closed<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("k", "v").await?;
    if refuses_snapshots(&store).await? {
        return Ok(());
    }
    let snapshot = store.snapshot().await?;
    store.close().await?;
    refused(snapshot.get("k").await, ErrorKind::Closed)?;
    refused(snapshot.get_many(&["k".into()]).await, ErrorKind::Closed)?;
    let scanned = snapshot
        .scan_with(&KeyRange::all(), &ScanOptions::new())
        .await;
    refused(scanned, ErrorKind::Closed)?;
    Ok(())
}

/// Dropping a snapshot leaves the store and other snapshots as they are.
pub async fn dropping_a_snapshot_disturbs_nobody<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("k", "1").await?;
    if refuses_snapshots(&store).await? {
        return Ok(());
    }
    let (first, second) = (store.snapshot().await?, store.snapshot().await?);
    store.commit(WriteBatch::new().put("k", "2")).await?;
    drop(first);
    ensure_eq!(
        contents(&second).await?,
        vec![key_value("k", "1")],
        "the other snapshot"
    );
    drop(second);
    ensure_eq!(
        contents(&store).await?,
        vec![key_value("k", "2")],
        "the store"
    );
    Ok(())
}

/// On a store without snapshots, checks the refusal and says `true`.
async fn refuses_snapshots<S: Store>(store: &S) -> CaseResult<bool> {
    if store.capabilities().snapshots != SnapshotSupport::Unsupported {
        return Ok(false);
    }
    let before = contents(store).await?;
    refused(store.snapshot().await, ErrorKind::Unsupported)?;
    ensure_eq!(
        contents(store).await?,
        before,
        "what is there after the refusal"
    );
    Ok(true)
}
