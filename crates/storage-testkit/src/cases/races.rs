//! Guards under contention: no update is lost, nobody wins twice.

use std::sync::Arc;

use bytes::Bytes;
use storage_core::{
    BatchScope, Entry, ErrorKind, Outcome, OwnedKey, ReadExt, Store, StoreExt, WriteBatch,
};

use super::guards::refuses_guards;
use crate::{
    Bench, CaseResult, Failure, Subject,
    failure::{ensure, ensure_eq},
    fixture::{contents, join_all, key_value, quick, refused, refuses_wide_batches, together},
};

/// `compare_and_swap` swaps if the value is the expected one, and says
/// `Conflict` if it is not.
pub async fn compare_and_swap_swaps_only_the_expected_value<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    if refuses_guards(&store).await? {
        let answer = store.compare_and_swap("k", None, Some("1".into())).await;
        refused(answer, ErrorKind::Unsupported)?;
        ensure_eq!(store.get("k").await?, None, "the key");
        return Ok(());
    }
    store.compare_and_swap("k", None, Some("1".into())).await?;
    for expected in [None, Some(&b"2"[..]), Some(b"")] {
        let answer = store
            .compare_and_swap("k", expected, Some("lost".into()))
            .await;
        let error = refused(answer, ErrorKind::Conflict)?;
        ensure_eq!(
            error.outcome(),
            Some(Outcome::NotApplied),
            "the outcome of a conflict"
        );
        ensure_eq!(
            contents(&store).await?,
            vec![key_value("k", "1")],
            "what is there"
        );
    }
    store
        .compare_and_swap("k", Some(b"1"), Some("2".into()))
        .await?;
    ensure_eq!(
        contents(&store).await?,
        vec![key_value("k", "2")],
        "what is there"
    );
    store.compare_and_swap("k", Some(b"2"), None).await?;
    ensure_eq!(contents(&store).await?, vec![], "what is there");
    store.compare_and_swap("k", None, None).await?;
    Ok(())
}

/// Sixty-four tasks add one to the same number, half of them by
/// `compare_and_swap` and half by a guard; the sum is what they added.
pub async fn concurrent_increments_lose_no_update<S: Subject>(bench: &Bench<S>) -> CaseResult {
    const TASKS: u64 = 64;
    let store = Arc::new(bench.open().await?);
    if refuses_guards(&*store).await? {
        return Ok(());
    }
    store.put("sum", "0").await?;
    join_all((0..TASKS).map(|task| {
        let store = Arc::clone(&store);
        let way = if task % 2 == 0 { Way::Swap } else { Way::Guard };
        async move { increment(&*store, way).await }
    }))
    .await?;
    let sum = store.get("sum").await?.map(Entry::into_value);
    ensure_eq!(sum, Some(TASKS.to_string().into()), "the sum");
    Ok(())
}

/// Exactly one of many tasks creates a key, and the key holds its value.
pub async fn exactly_one_of_many_creators_wins<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = Arc::new(bench.open().await?);
    if refuses_guards(&*store).await? {
        return Ok(());
    }
    for round in 0..4 {
        let key = format!("key {round}");
        let answers = join_all((0..32).map(|task: u8| {
            let (store, key) = (Arc::clone(&store), key.clone());
            async move {
                let batch = WriteBatch::new().absent(&key).put(&key, vec![task]);
                match store.commit_with(batch, &quick(&*store)).await {
                    Ok(_) => Ok(Some(task)),
                    Err(error) => refused::<()>(Err(error), ErrorKind::Conflict).map(|_| None),
                }
            }
        }))
        .await?;
        let winners: Vec<_> = answers.into_iter().flatten().collect();
        ensure_eq!(winners.len(), 1, "the number of winners: {winners:?}");
        let value = store.get(&key).await?.map(Entry::into_value);
        ensure_eq!(
            value,
            Some(Bytes::from(winners)),
            "the value is the winner's"
        );
    }
    Ok(())
}

/// Guarded transfers between two keys keep their sum, whoever conflicts.
pub async fn guarded_transfers_keep_the_sum<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = Arc::new(bench.open().await?);
    if refuses_guards(&*store).await? {
        return Ok(());
    }
    if store.capabilities().batch == BatchScope::Key {
        return refuses_wide_batches(&*store).await;
    }
    let pair = [together("a"), together("b")];
    let [a, b] = &pair;
    store
        .commit(WriteBatch::new().put(a, vec![100]).put(b, vec![100]))
        .await?;
    join_all((0..16).map(|task| {
        let store = Arc::clone(&store);
        let [a, b] = pair.clone();
        async move {
            for _ in 0..5 {
                let (from, to) = if task % 2 == 0 { (&a, &b) } else { (&b, &a) };
                transfer(&*store, from, to).await?;
            }
            Ok(())
        }
    }))
    .await?;
    let sum: u32 = contents(&*store)
        .await?
        .iter()
        .flat_map(|(_, value)| value.iter().copied().map(u32::from))
        .sum();
    ensure_eq!(sum, 200, "the sum of both");
    Ok(())
}

/// Adds one, reading again until nobody came between.
async fn increment<S: Store>(store: &S, way: Way) -> CaseResult {
    const ATTEMPTS_MAX: u32 = 10_000;
    for _ in 0..ATTEMPTS_MAX {
        let Some(entry) = store.get("sum").await? else {
            return Err(Failure::new("the sum is gone"));
        };
        // Others get the chance to come between.
        tokio::task::yield_now().await;
        let sum = String::from_utf8_lossy(entry.value()).parse::<u64>();
        let Ok(sum) = sum else {
            return Err(Failure::new(format!("the sum is {:?}", entry.value())));
        };
        let new = Bytes::from((sum + 1).to_string());
        let answer = match way {
            Way::Swap => {
                store
                    .compare_and_swap("sum", Some(entry.value()), Some(new))
                    .await
            }
            Way::Guard => {
                let batch = WriteBatch::new()
                    .unchanged("sum", entry.stamp())
                    .put("sum", new);
                store.commit_with(batch, &quick(store)).await
            }
        };
        match answer {
            Ok(_) => return Ok(()),
            Err(error) => refused::<()>(Err(error), ErrorKind::Conflict)?,
        };
    }
    Err(Failure::new("a task never got its turn"))
}

/// How a task makes sure that nobody came between.
#[derive(Clone, Copy, Debug)]
enum Way {
    Swap,
    Guard,
}

/// Moves one from one key to the other, if nobody came between; else nothing.
async fn transfer<S: Store>(store: &S, from: &OwnedKey, to: &OwnedKey) -> CaseResult {
    let entries = store.get_many(&[from.clone(), to.clone()]).await?;
    let [Some(source), Some(target)] = entries.as_slice() else {
        return Err(Failure::new("both keys are always there"));
    };
    let batch = WriteBatch::new()
        .unchanged(from, source.stamp())
        .unchanged(to, target.stamp())
        .put(
            from,
            source.value().iter().map(|n| n - 1).collect::<Bytes>(),
        )
        .put(to, target.value().iter().map(|n| n + 1).collect::<Bytes>());
    match store.commit_with(batch, &quick(store)).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let error = refused::<()>(Err(error), ErrorKind::Conflict)?;
            ensure!(error.guard().is_some(), "a conflict names its guard");
            Ok(())
        }
    }
}
