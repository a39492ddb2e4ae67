//! Single keys: put, get, overwrite, delete.

use std::sync::Arc;

use storage_core::{Entry, ReadExt, Store, StoreExt, Support, WriteBatch};

use crate::{
    Bench, CaseResult, Subject,
    failure::{ensure, ensure_eq},
    fixture::{contents, join_all, key_value},
};

/// What is put is there, without an expiry and with a stamp.
pub async fn a_put_entry_is_read_back<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("key", "value").await?;
    let entry = store.get("key").await?;
    ensure!(entry.is_some(), "the key is there");
    if let Some(entry) = entry {
        ensure_eq!(entry.value(), "value", "the value read back");
        ensure_eq!(entry.expires(), None, "an entry put for good never expires");
        ensure!(!entry.stamp().is_none(), "an entry has a stamp");
    }
    Ok(())
}

/// Absence is `None`, not an error.
pub async fn an_absent_key_has_no_entry<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    ensure_eq!(store.get("key").await?, None, "get of an absent key");
    ensure!(!store.exists("key").await?, "an absent key does not exist");
    store.put("key2", "value").await?;
    ensure_eq!(store.get("key").await?, None, "get beside a longer key");
    ensure!(store.exists("key2").await?, "a present key exists");
    Ok(())
}

/// The last put counts.
pub async fn a_second_put_replaces_the_first<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    for value in [
        "a long first value",
        "2nd",
        "a third value, the longest of all",
    ] {
        store.put("key", value).await?;
        let entry = store.get("key").await?;
        ensure_eq!(
            entry.map(Entry::into_value),
            Some(value.into()),
            "the value"
        );
    }
    ensure_eq!(contents(&store).await?.len(), 1, "the number of entries");
    Ok(())
}

/// A deleted key is gone, can be put again, and its neighbours stay.
pub async fn a_deleted_key_is_absent<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    for key in ["a", "b", "c"] {
        store.put(key, key).await?;
    }
    store.commit(WriteBatch::new().delete("b")).await?;
    ensure_eq!(store.get("b").await?, None, "the deleted key");
    let rest = vec![key_value("a", "a"), key_value("c", "c")];
    ensure_eq!(contents(&store).await?, rest, "what is left");
    store.put("b", "again").await?;
    ensure!(store.exists("b").await?, "a deleted key can be put again");
    Ok(())
}

/// Deleting what is not there succeeds.
pub async fn deleting_an_absent_key_changes_nothing<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("a", "1").await?;
    store.commit(WriteBatch::new().delete("b")).await?;
    ensure_eq!(
        contents(&store).await?,
        vec![key_value("a", "1")],
        "what is there"
    );
    Ok(())
}

/// `delete` tells a present key from an absent one.
pub async fn delete_says_whether_the_key_existed<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    ensure_eq!(store.delete("key").await?, false, "before the key was put");
    store.put("key", "value").await?;
    ensure_eq!(store.delete("key").await?, true, "of a present key");
    ensure_eq!(store.get("key").await?, None, "the deleted key");
    ensure_eq!(store.delete("key").await?, false, "of a deleted key");
    Ok(())
}

/// Where the store has guards, exactly one of many deleters is told that the
/// key existed; elsewhere at least one.
pub async fn one_of_many_deleters_is_told_that_the_key_existed<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = Arc::new(bench.open().await?);
    store.put("key", "value").await?;
    let told = join_all((0..32).map(|_| {
        let store = Arc::clone(&store);
        async move { Ok(store.delete("key").await?) }
    }))
    .await?;
    let told = told.into_iter().filter(|existed| *existed).count();
    match store.capabilities().guards {
        Support::Supported => ensure_eq!(told, 1, "deleters told that the key existed"),
        Support::Unsupported => ensure!(told >= 1, "nobody was told that the key existed"),
    }
    ensure_eq!(store.get("key").await?, None, "the deleted key");
    Ok(())
}
