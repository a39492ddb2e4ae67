//! Durability: granted as advertised, refused otherwise.

use std::time::Duration;

use storage_core::{
    Consistency, Durability, Entry, ErrorKind, KeyRange, Outcome, OwnedKey, Read, ReadExt,
    ReadOptions, ReadSupport, ScanOptions, Store, StoreExt, WriteBatch, WriteOptions,
};

use crate::{
    Bench, CaseResult, Subject,
    failure::{ensure, ensure_eq},
    fixture::{contents, key_value, refused},
};

const LEVELS: [Durability; 3] = [
    Durability::Volatile,
    Durability::Buffered,
    Durability::Synced,
];

/// Each level on offer is granted, and the answer says at least what was asked.
pub async fn every_durability_on_offer_is_granted<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let capabilities = store.capabilities();
    let offered = capabilities.durability_min..=capabilities.durability_max;
    for asked in LEVELS.into_iter().filter(|level| offered.contains(level)) {
        let options = WriteOptions::new().durability(asked);
        let batch = WriteBatch::new().put("k", format!("{asked:?}"));
        let granted = store.commit_with(batch, &options).await?.durability;
        ensure!(
            granted >= asked,
            "{granted:?} was granted where {asked:?} was asked for"
        );
        ensure!(
            offered.contains(&granted),
            "{granted:?} was granted, which is not on offer"
        );
        let value = store.get("k").await?.map(Entry::into_value);
        ensure_eq!(value, Some(format!("{asked:?}").into()), "the value");
        bench.record_granted(asked, granted);
    }
    Ok(())
}

/// A level that is not on offer is refused, without effect.
pub async fn a_durability_not_on_offer_is_refused<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("k", "1").await?;
    let capabilities = store.capabilities();
    let offered = capabilities.durability_min..=capabilities.durability_max;
    for asked in LEVELS.into_iter().filter(|level| !offered.contains(level)) {
        let options = WriteOptions::new().durability(asked);
        let answer = store
            .commit_with(WriteBatch::new().put("k", "2").put("k", "3"), &options)
            .await;
        let error = refused(answer, ErrorKind::Unsupported)?;
        ensure_eq!(error.outcome(), Some(Outcome::NotApplied), "the outcome");
        ensure_eq!(
            contents(&store).await?,
            vec![key_value("k", "1")],
            "what is there"
        );
    }
    Ok(())
}

/// Without a wish, a commit is as durable as the store can make it.
pub async fn the_default_durability_is_the_strongest<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let granted = store.put("k", "v").await?.durability;
    ensure_eq!(
        granted,
        store.capabilities().durability_max,
        "the durability granted"
    );
    Ok(())
}

/// Weak and strong commits keep their order among each other.
pub async fn commits_of_different_durability_keep_their_order<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    let capabilities = store.capabilities();
    let (weak, strong) = (capabilities.durability_min, capabilities.durability_max);
    for round in 0..20_u8 {
        let durability = if round % 2 == 0 { weak } else { strong };
        let options = WriteOptions::new().durability(durability);
        store
            .commit_with(WriteBatch::new().put("k", vec![round]), &options)
            .await?;
        let value = store.get("k").await?.map(Entry::into_value);
        ensure_eq!(value, Some(vec![round].into()), "the last value");
    }
    Ok(())
}

/// A read that demands to be fresh sees the last commit, in every kind of read;
/// a store that cannot say so refuses.
pub async fn a_linearizable_read_sees_the_last_commit<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let point = ReadOptions::new().consistency(Consistency::Linearizable);
    let mut scan = ScanOptions::new();
    scan.consistency = Some(Consistency::Linearizable);
    let (key, all) = (OwnedKey::from("k"), KeyRange::all());
    if store.capabilities().reads == ReadSupport::Eventual {
        refused(
            store.get_with(key.as_key(), &point).await,
            ErrorKind::Unsupported,
        )?;
        refused(
            store.get_many_with(&[key], &point).await,
            ErrorKind::Unsupported,
        )?;
        refused(store.scan_with(&all, &scan).await, ErrorKind::Unsupported)?;
        return Ok(());
    }
    for round in 0..20_u8 {
        store.put("k", vec![round]).await?;
        let got = store.get_with(key.as_key(), &point).await?;
        ensure_eq!(got.as_ref().map(AsRef::as_ref), Some(&[round][..]), "get");
        let many = store
            .get_many_with(std::slice::from_ref(&key), &point)
            .await?;
        ensure_eq!(many, vec![got.clone()], "get_many");
        let page = store.scan_with(&all, &scan).await?;
        let scanned = page.items.into_iter().next().map(|item| item.entry);
        ensure_eq!(scanned, got, "scan");
    }
    Ok(())
}

/// A read that may be stale is answered by every store.
pub async fn a_read_that_may_be_stale_is_answered<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("k", "1").await?;
    let at_most = Duration::from_mins(1);
    let options = ReadOptions::new().consistency(Consistency::Stale { at_most });
    let value = store
        .get_with("k".into(), &options)
        .await?
        .map(Entry::into_value);
    ensure!(
        value.is_none_or(|value| value == "1"),
        "a value that was there"
    );
    Ok(())
}
