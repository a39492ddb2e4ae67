//! Keys and values at the edges: empty, zero bytes, runs of 0xFF.

use storage_core::{Entry, KeyRange, ReadExt, ScanOptions, Store, StoreExt, WriteBatch};

use crate::{
    Bench, CaseResult, Subject,
    failure::{ensure, ensure_eq},
    fixture::{NASTY_KEYS, contents, fill, in_key_order, key_value, owned, walk},
};

/// The empty byte string is a key like any other.
pub async fn the_empty_key_is_a_key<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    ensure_eq!(store.get("").await?, None, "the empty key before it is put");
    store.put("", "nothing").await?;
    store.put("a", "1").await?;
    let both = vec![key_value("", "nothing"), key_value("a", "1")];
    ensure_eq!(contents(&store).await?, both, "what is there");
    ensure_eq!(
        store.count(KeyRange::between(..="")).await?,
        1,
        "keys up to the empty one"
    );
    store.commit(WriteBatch::new().delete("")).await?;
    ensure_eq!(
        contents(&store).await?,
        vec![key_value("a", "1")],
        "what is left"
    );
    Ok(())
}

/// An empty value is present, and differs from an absent key.
pub async fn an_empty_value_is_a_value<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("key", "").await?;
    let entry = store.get("key").await?;
    ensure_eq!(
        entry.map(|entry| entry.value().len()),
        Some(0),
        "the length of the value"
    );
    ensure!(
        store.exists("key").await?,
        "a key with an empty value exists"
    );
    ensure_eq!(
        store.count(KeyRange::all()).await?,
        1,
        "the number of entries"
    );
    store.put("key", "full").await?;
    store.put("key", "").await?;
    ensure_eq!(
        contents(&store).await?,
        vec![key_value("key", "")],
        "after emptying it again"
    );
    ensure!(
        store.delete("key").await?,
        "a key with an empty value can be deleted"
    );
    Ok(())
}

/// Keys with zero bytes, runs of 0xFF and each other as prefixes are all
/// different, and sort as bytes.
pub async fn keys_that_encodings_confuse_are_kept_apart<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    fill(
        &store,
        NASTY_KEYS
            .iter()
            .map(|key| (owned(key), owned(key).into_bytes())),
    )
    .await?;
    for key in NASTY_KEYS {
        let entry = store.get(*key).await?;
        ensure_eq!(
            entry.map(Entry::into_value),
            Some(owned(key).into_bytes()),
            "the value of \"{}\"",
            key.escape_ascii()
        );
    }
    let items = walk(&store, &KeyRange::all(), &ScanOptions::new()).await?;
    let keys: Vec<_> = in_key_order(items, store.capabilities())
        .into_iter()
        .map(|item| item.key)
        .collect();
    let expected: Vec<_> = NASTY_KEYS
        .iter()
        .map(|key| owned(key).into_bytes())
        .collect();
    ensure_eq!(keys, expected, "all keys in byte order");
    Ok(())
}

/// Deleting one of them leaves its prefixes and extensions alone.
pub async fn deleting_a_key_leaves_its_prefixes_and_extensions<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    let mut left: Vec<_> = NASTY_KEYS.iter().map(|key| key_value(key, "v")).collect();
    fill(&store, left.clone()).await?;
    for key in ["a", "", "\0"] {
        store.commit(WriteBatch::new().delete(key)).await?;
        left.retain(|(other, _)| other != key);
        ensure_eq!(contents(&store).await?, left, "after deleting {key:?}");
    }
    Ok(())
}

/// Every single byte is a key, and bytes sort as unsigned numbers.
pub async fn every_byte_is_a_key<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let all: Vec<_> = (0..=u8::MAX)
        .map(|byte| key_value([byte], [byte]))
        .collect();
    fill(&store, all.iter().rev().cloned()).await?;
    let items = walk(&store, &KeyRange::all(), &ScanOptions::new()).await?;
    let pairs: Vec<_> = in_key_order(items, store.capabilities())
        .into_iter()
        .map(|item| (item.key, item.entry.into_value()))
        .collect();
    ensure_eq!(pairs, all, "all bytes in order");
    Ok(())
}
