//! Closing, opening again, and commits that nobody waits for.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use storage_core::{
    BatchScope, Durability, Entry, ErrorKind, KeyRange, Maintenance, Outcome, OwnedKey, Read,
    ReadExt, Result, ScanOptions, SnapshotSupport, Store, StoreExt, Support, WriteBatch,
    WriteOptions,
};

use crate::{
    Bench, CaseResult, Failure, Subject,
    failure::{ensure, ensure_eq},
    fixture::{
        contents, fill, key_value, quick, refused, refuses_wide_batches, system_keys, together,
    },
};

/// Whether the store declares that data outlives it. A store that does not may
/// open empty.
pub(super) fn keeps_its_data(store: &impl Store) -> bool {
    store.capabilities().durability_max >= Durability::Buffered
}

/// What was committed before the store was closed is there when it is opened
/// again, at every durability, expiries and deletions among it. A store that
/// declares only `Volatile` opens again, with all of it or none.
pub async fn a_reopened_store_holds_what_was_committed<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let capabilities = store.capabilities().clone();
    let mut kept = Vec::new();
    for level in [
        Durability::Volatile,
        Durability::Buffered,
        Durability::Synced,
    ] {
        if (capabilities.durability_min..=capabilities.durability_max).contains(&level) {
            let (key, options) = (format!("{level:?}"), WriteOptions::new().durability(level));
            store
                .commit_with(WriteBatch::new().put(&key, "v"), &options)
                .await?;
            kept.push(key_value(key, "v"));
        }
    }
    kept.sort();
    store.put("deleted", "v").await?;
    store.delete("deleted").await?;
    let system = system_keys().key("x");
    store.put(system.clone(), "v").await?;
    kept.push((system.bytes().clone(), "v".into()));

    let keeps = keeps_its_data(&store);
    let store = bench.reopen(store).await?;
    let found = contents(&store).await?;
    ensure!(
        found == kept || (!keeps && found.is_empty()),
        "opened again, the store holds {found:?}, not {kept:?}"
    );
    store.put("again", "v").await?;
    ensure!(
        store.exists("again").await?,
        "a reopened store takes writes"
    );
    Ok(())
}

/// An expiry outlives the store, and passes while it is closed.
pub async fn an_expiry_passes_while_the_store_is_closed<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    let (keeps, expiry) = (keeps_its_data(&store), store.capabilities().expiry);
    if expiry == Support::Unsupported {
        let batch = WriteBatch::new().put_until("k", "v", bench.in_milliseconds(10));
        refused(store.commit(batch).await, ErrorKind::Unsupported)?;
        return Ok(());
    }
    let (soon, late) = (bench.in_milliseconds(10), bench.in_milliseconds(1_000));
    store
        .commit(WriteBatch::new().put_until("soon", "v", soon))
        .await?;
    store
        .commit(WriteBatch::new().put_until("late", "v", late))
        .await?;
    store.close().await?;
    drop(store);
    bench.advance_milliseconds(10);
    let store = bench.open().await?;
    ensure_eq!(
        store.get("soon").await?,
        None,
        "the entry that expired meanwhile"
    );
    let expires = store.get("late").await?.map(|entry| entry.expires());
    ensure!(
        expires == Some(Some(late)) || (!keeps && expires.is_none()),
        "the expiry of the other is {expires:?}"
    );
    Ok(())
}

/// A store that is opened and closed many times neither loses nor invents.
pub async fn reopening_again_and_again_loses_nothing<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let mut store = bench.open().await?;
    let keeps = keeps_its_data(&store);
    let mut all = Vec::new();
    for round in 0..5_u8 {
        store.put(&[round], vec![round]).await?;
        all.push(key_value([round], [round]));
        store = bench.reopen(store).await?;
        let found = contents(&store).await?;
        ensure!(
            found == all || (!keeps && found.is_empty()),
            "after round {round} the store holds {found:?}, not {all:?}"
        );
        if found.is_empty() {
            all.clear();
        }
    }
    Ok(())
}

/// A closed store answers `Closed`, whatever it is asked.
pub async fn a_closed_store_answers_closed<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("k", "v").await?;
    store.close().await?;
    let closed = ErrorKind::Closed;
    refused(store.get("k").await, closed)?;
    refused(store.get_many(&["k".into()]).await, closed)?;
    refused(
        store.scan_with(&KeyRange::all(), &ScanOptions::new()).await,
        closed,
    )?;
    refused(store.stats().await, closed)?;
    refused(store.health().await, closed)?;
    refused(store.check().await, closed)?;
    refused(store.maintain(Maintenance::Flush).await, closed)?;
    if store.capabilities().snapshots != SnapshotSupport::Unsupported {
        refused(store.snapshot().await, closed)?;
    }
    let error = refused(store.put("k", "w").await, closed)?;
    ensure_eq!(
        error.outcome(),
        Some(Outcome::NotApplied),
        "the outcome of the commit"
    );
    ensure_eq!(
        store.describe().engine,
        S::ENGINE,
        "a closed store still has its name"
    );
    Ok(())
}

/// Closing twice, or from two tasks at once, is fine.
pub async fn closing_twice_is_fine<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = Arc::new(bench.open().await?);
    store.put("k", "v").await?;
    let other = Arc::clone(&store);
    let closing = tokio::spawn(async move { other.close().await });
    store.close().await?;
    closing.await??;
    store.close().await?;
    refused(store.get("k").await, ErrorKind::Closed)?;
    Ok(())
}

/// Commits accepted before a close are finished by it; later ones are refused
/// and leave no trace.
pub async fn closing_finishes_accepted_commits<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = Arc::new(bench.open().await?);
    let writers: Vec<_> = (0..40_u8)
        .map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for number in 0..5_u8 {
                    answers.push((task, number, store.put(&[task, number], "v").await));
                }
                answers
            })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close().await?;
    let mut expected = Vec::new();
    for writer in writers {
        for (task, number, answer) in writer.await? {
            match answer {
                Ok(_) => expected.push(key_value([task, number], "v")),
                Err(error) => {
                    let error = refused::<()>(Err(error), ErrorKind::Closed)?;
                    ensure_eq!(error.outcome(), Some(Outcome::NotApplied), "its outcome");
                }
            }
        }
    }
    let keeps = keeps_its_data(&*store);
    drop(store);
    let store = bench.open().await?;
    let found = contents(&store).await?;
    ensure!(
        found == expected || (!keeps && found.is_empty()),
        "opened again, the store holds {} entries; {} commits were answered",
        found.len(),
        expected.len()
    );
    Ok(())
}

/// A commit whose future is dropped after its first poll takes effect all the
/// same, whole, and the store stays usable.
pub async fn a_dropped_commit_takes_effect_whole<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let wide = store.capabilities().batch != BatchScope::Key;
    for round in 0..20_u8 {
        let (first, second) = (together([round, 1]), together([round, 2]));
        let mut batch = WriteBatch::new().put(&first, "dropped");
        if wide {
            batch = batch.put(&second, "dropped");
        }
        let options = if round % 2 == 0 {
            quick(&store)
        } else {
            WriteOptions::new()
        };
        poll_once_and_drop(store.commit_with(batch, &options))?;
        store.put(&[round, 3], "after").await?;
        wait_for(&store, &first).await?;
        if wide {
            ensure!(
                store.exists(&second).await?,
                "half of the dropped commit is missing"
            );
        }
        ensure!(
            store.exists(&[round, 3]).await?,
            "the commit after it is there"
        );
    }
    Ok(())
}

/// A dropped commit and a later one on the same key leave the value of one of
/// them, for good.
pub async fn a_dropped_commit_does_not_come_back<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if store.capabilities().batch == BatchScope::Key {
        return refuses_wide_batches(&store).await;
    }
    let k = together("k");
    for round in 0..10_u8 {
        let witness = together([round]);
        let batch = WriteBatch::new().put(&k, "dropped").put(&witness, "v");
        poll_once_and_drop(store.commit(batch))?;
        store.put(&k, vec![round]).await?;
        wait_for(&store, &witness).await?;
        let value = store.get(&k).await?.map(Entry::into_value);
        ensure!(
            value.as_deref() == Some(&[round]) || value.as_deref() == Some(b"dropped"),
            "the value is {value:?}"
        );
        fill(&store, [("other", "v")]).await?;
        let later = store.get(&k).await?.map(Entry::into_value);
        ensure_eq!(later, value, "the value, later on");
    }
    Ok(())
}

/// Reads whose futures are dropped leave the store as it was.
pub async fn a_dropped_read_disturbs_nobody<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let all: Vec<_> = (0..100_u8).map(|n| key_value([n], "v")).collect();
    fill(&store, all.clone()).await?;
    let (range, options) = (KeyRange::all(), ScanOptions::new());
    for _ in 0..50 {
        poll_once_and_drop(store.get("k"))?;
        poll_once_and_drop(store.scan_with(&range, &options))?;
        poll_once_and_drop(store.stats())?;
    }
    ensure_eq!(contents(&store).await?, all, "what is there");
    store.close().await?;
    Ok(())
}

/// Polls a future once, which is what accepts a commit, and drops it.
fn poll_once_and_drop<T>(work: impl Future<Output = Result<T>>) -> CaseResult {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(work).as_mut().poll(&mut context) {
        Poll::Ready(Err(error)) => Err(error.into()),
        Poll::Ready(Ok(_)) | Poll::Pending => Ok(()),
    }
}

/// Waits until a key is there.
async fn wait_for<S: Store>(store: &S, key: &OwnedKey) -> CaseResult {
    const TIME_MAX: Duration = Duration::from_secs(5);
    let start = Instant::now();
    while !store.exists(key).await? {
        if start.elapsed() > TIME_MAX {
            return Err(Failure::new(format!(
                "a commit that was accepted has not taken effect within {TIME_MAX:?}"
            )));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
