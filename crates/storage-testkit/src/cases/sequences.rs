//! Sequences: numbers that grow in the order in which commits take effect.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use storage_core::{
    BatchScope, Committed, Entry, ErrorKind, KeyRange, Read, ReadExt, ScanOptions, Sequence,
    SequenceScope, Store, StoreExt, WriteBatch,
};

use super::{guards::refuses_guards, lifecycle::keeps_its_data};
use crate::{
    Bench, CaseResult, Failure, Subject,
    failure::{ensure, ensure_eq},
    fixture::{contents, fill, join_all, key_value, quick, refuses, walk},
};

/// Each commit has a greater sequence than those answered before it.
pub async fn sequences_grow_with_every_commit<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if refuses_sequences(&store).await? {
        return Ok(());
    }
    let mut last = Sequence::ZERO;
    for round in 0..20_u8 {
        let batch = match round % 4 {
            0 => WriteBatch::new().put("k", vec![round]),
            1 => WriteBatch::new().delete("k"),
            2 => WriteBatch::new().put_sequenced("log/", "", "v"),
            _ => WriteBatch::new().put(&[round], "v"),
        };
        let committed = store.commit_with(batch, &quick(&store)).await?;
        let sequence = sequence_of(&committed)?;
        ensure!(sequence > last, "{sequence} comes after {last}");
        ensure_eq!(
            store.sequence(),
            Some(sequence),
            "the last commit of the store"
        );
        last = sequence;
    }
    Ok(())
}

/// A sequenced put is found under its prefix, the sequence its commit was
/// answered with, and its suffix.
pub async fn a_sequenced_put_holds_the_sequence_of_its_commit<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    if refuses_sequences(&store).await? {
        return Ok(());
    }
    for (prefix, suffix) in [("log/", "/end"), ("", ""), ("log/", ""), ("", "/end")] {
        let committed = store
            .commit(WriteBatch::new().put_sequenced(prefix, suffix, "v"))
            .await?;
        let key = sequenced(prefix, sequence_of(&committed)?, suffix);
        let value = store.get(&key).await?.map(Entry::into_value);
        ensure_eq!(value, Some("v".into()), "under {key:?}");
    }
    ensure_eq!(
        store.count(KeyRange::all()).await?,
        4,
        "the number of entries"
    );
    Ok(())
}

/// All sequenced puts of a batch hold the same sequence, and take their places
/// among the other mutations.
pub async fn sequenced_puts_of_a_batch_share_its_sequence<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    if refuses_sequences(&store).await? {
        return Ok(());
    }
    if store.capabilities().batch != BatchScope::Store {
        let batch = WriteBatch::new()
            .put_sequenced("a/", "", "1")
            .put_sequenced("b/", "", "2");
        if store.capabilities().batch == BatchScope::Key {
            refuses(&store, batch, ErrorKind::Unsupported).await?;
        }
        return Ok(());
    }
    let batch = WriteBatch::new()
        .put_sequenced("a/", "", "1")
        .put("plain", "2")
        .put_sequenced("b/", "x", "3")
        .put_sequenced("b/", "y", "4");
    let sequence = sequence_of(&store.commit(batch).await?)?;
    let expected = vec![
        (sequenced("a/", sequence, ""), "1".into()),
        (sequenced("b/", sequence, "x"), "3".into()),
        (sequenced("b/", sequence, "y"), "4".into()),
        key_value("plain", "2"),
    ];
    ensure_eq!(contents(&store).await?, expected, "what is there");
    Ok(())
}

/// The keys of sequenced puts sort in the order of their commits.
pub async fn sequenced_keys_sort_in_commit_order<S: Subject>(bench: &Bench<S>) -> CaseResult {
    const COMMITS: u32 = 300;
    let store = bench.open().await?;
    if refuses_sequences(&store).await? {
        return Ok(());
    }
    for number in 0..COMMITS {
        let batch = WriteBatch::new().put_sequenced("log/", "", number.to_string());
        store.commit_with(batch, &quick(&store)).await?;
    }
    let values = contents(&store).await?.into_iter().map(|(_, value)| value);
    let expected = (0..COMMITS).map(|number| Bytes::from(number.to_string()));
    ensure!(values.eq(expected), "the log is in commit order");
    Ok(())
}

/// Concurrent commits have sequences of their own, and each finds its key.
pub async fn concurrent_sequenced_puts_are_unique<S: Subject>(bench: &Bench<S>) -> CaseResult {
    const TASKS: u64 = 64;
    let store = Arc::new(bench.open().await?);
    if refuses_sequences(&*store).await? {
        return Ok(());
    }
    let sequences = join_all((0..TASKS).map(|task| {
        let store = Arc::clone(&store);
        async move {
            let value = task.to_string();
            let batch = WriteBatch::new().put_sequenced("log/", "", value.clone());
            let sequence = sequence_of(&store.commit_with(batch, &quick(&*store)).await?)?;
            let found = store.get(&sequenced("log/", sequence, "")).await?;
            ensure_eq!(
                found.map(Entry::into_value),
                Some(value.into()),
                "its entry"
            );
            Ok(sequence)
        }
    }))
    .await?;
    let unique: BTreeSet<_> = sequences.into_iter().collect();
    ensure_eq!(unique.len(), 64, "the number of different sequences");
    ensure_eq!(
        store.count(KeyRange::all()).await?,
        TASKS,
        "the number of entries"
    );
    Ok(())
}

/// A reader that follows a log finds no entry behind one it has seen.
pub async fn a_log_never_grows_behind_its_reader<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = Arc::new(bench.open().await?);
    if refuses_sequences(&*store).await? {
        return Ok(());
    }
    let appender = Arc::clone(&store);
    let writers = (0..4).map(move |_| {
        let store = Arc::clone(&appender);
        async move {
            for _ in 0..50 {
                let batch = WriteBatch::new().put_sequenced("log/", "", "v");
                store.commit_with(batch, &quick(&*store)).await?;
            }
            Ok(())
        }
    });
    let writing = tokio::spawn(join_all(writers));
    let mut seen = Vec::new();
    loop {
        let done = writing.is_finished();
        let items = walk(&*store, &KeyRange::prefix("log/"), &ScanOptions::new()).await?;
        let mut keys: Vec<_> = items.into_iter().map(|item| item.key).collect();
        keys.sort();
        ensure!(
            keys.starts_with(&seen),
            "the log is what it was, and more at its end"
        );
        seen = keys;
        if done {
            break;
        }
        tokio::task::yield_now().await;
    }
    writing.await??;
    ensure_eq!(seen.len(), 200, "the length of the log");
    Ok(())
}

/// A failed batch has no sequence, and the next commit has one all the same.
pub async fn a_refused_batch_does_not_stop_the_sequence<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    if refuses_sequences(&store).await? || refuses_guards(&store).await? {
        return Ok(());
    }
    let first = sequence_of(&store.put("k", "1").await?)?;
    refuses(
        &store,
        WriteBatch::new().absent("k").put("k", "2"),
        ErrorKind::Conflict,
    )
    .await?;
    let second = sequence_of(&store.put("k", "3").await?)?;
    ensure!(second > first, "{second} comes after {first}");
    Ok(())
}

/// Where sequences last as long as the store, they go on after a reopen; where
/// they last as long as the process, they may start anew but still work.
pub async fn sequences_go_on_after_a_reopen<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let mut store = bench.open().await?;
    if refuses_sequences(&store).await? {
        return Ok(());
    }
    let keeps = keeps_its_data(&store) && store.capabilities().sequence == SequenceScope::Store;
    let mut last = Sequence::ZERO;
    for round in 0..3 {
        fill(&store, (0..10_u8).map(|n| (vec![round, n], "v"))).await?;
        let committed = store
            .commit(WriteBatch::new().put_sequenced("log/", "", "v"))
            .await?;
        let sequence = sequence_of(&committed)?;
        ensure!(
            !keeps || sequence > last,
            "{sequence} comes after {last}, round {round}"
        );
        last = sequence;
        store = bench.reopen(store).await?;
        if keeps {
            ensure!(
                store.sequence() >= Some(last),
                "the sequence of a reopened store"
            );
        }
    }
    Ok(())
}

/// On a store without sequences, checks that none are given and that a
/// sequenced put is refused, and says `true`.
async fn refuses_sequences<S: Store>(store: &S) -> CaseResult<bool> {
    if store.capabilities().sequence != SequenceScope::Unsupported {
        return Ok(false);
    }
    let batch = WriteBatch::new().put_sequenced("log/", "", "v");
    refuses(store, batch, ErrorKind::Unsupported).await?;
    let committed = store.put("unnumbered", "v").await?;
    ensure_eq!(committed.sequence, None, "the sequence of a commit");
    ensure_eq!(store.sequence(), None, "the sequence of the store");
    Ok(true)
}

fn sequence_of(committed: &Committed) -> CaseResult<Sequence> {
    committed
        .sequence
        .ok_or_else(|| Failure::new("the commit of a store with sequences has none"))
}

fn sequenced(prefix: &str, sequence: Sequence, suffix: &str) -> Bytes {
    [
        prefix.as_bytes(),
        &sequence.to_key_bytes(),
        suffix.as_bytes(),
    ]
    .concat()
    .into()
}
