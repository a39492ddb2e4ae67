//! Batches: all or nothing, in order, the last wins.

use storage_core::{
    BatchScope, Entry, ErrorKind, Key, KeyRange, ReadExt, Store, StoreExt, Support, WriteBatch,
};

use crate::{
    Bench, CaseResult, Subject,
    failure::{ensure, ensure_eq},
    fixture::{
        NASTY_KEYS, TOGETHER, contents, fill, key_value, refuses, refuses_wide_batches, together,
    },
};

/// Of several mutations of one key, the last one counts.
pub async fn the_last_mutation_of_a_key_wins<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let batches = [
        (
            WriteBatch::new().put("k", "1").put("k", "2").put("k", "3"),
            Some("3"),
        ),
        (WriteBatch::new().put("k", "4").delete("k"), None),
        (WriteBatch::new().delete("k").put("k", "5"), Some("5")),
        (
            WriteBatch::new().put("k", "6").delete("k").put("k", "7"),
            Some("7"),
        ),
        (
            WriteBatch::new().delete("k").put("k", "8").delete("k"),
            None,
        ),
        (WriteBatch::new().put("k", "9").put("k", "9"), Some("9")),
        (WriteBatch::new().delete("k").delete("k"), None),
    ];
    for (batch, expected) in batches {
        if batch.mutations().len() > store.capabilities().batch_operations_max {
            refuses(&store, batch, ErrorKind::Invalid).await?;
            continue;
        }
        store.commit(batch.clone()).await?;
        let value = store.get("k").await?.map(Entry::into_value);
        ensure_eq!(value, expected.map(Into::into), "after {batch:?}");
    }
    Ok(())
}

/// All mutations of a batch are there, whatever they are.
pub async fn a_batch_applies_whole<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if store.capabilities().batch == BatchScope::Key {
        return refuses_wide_batches(&store).await;
    }
    let old = ["b", "d", "e"].map(|key| (together(key), "old"));
    fill(&store, old).await?;
    let batch = WriteBatch::new()
        .put(together("a"), "1")
        .put(together("b"), "2")
        .put(together("c"), "3")
        .delete(together("d"))
        .delete(together("x"))
        .put(together("f"), "4");
    store.commit(batch).await?;
    let expected = [("a", "1"), ("b", "2"), ("c", "3"), ("e", "old"), ("f", "4")];
    let expected = expected
        .map(|(key, value)| key_value(together(key).bytes(), value))
        .to_vec();
    ensure_eq!(contents(&store).await?, expected, "what is there");
    Ok(())
}

/// A batch of thousands of keys applies whole.
pub async fn a_batch_of_many_keys_applies_whole<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if store.capabilities().batch == BatchScope::Key {
        return refuses_wide_batches(&store).await;
    }
    let count = store.capabilities().batch_operations_max.min(5_000);
    let all: Vec<_> = (0..count)
        .map(|n| key_value(format!("{TOGETHER}{n:06}"), n.to_string()))
        .collect();
    let batch = all.iter().fold(WriteBatch::new(), |batch, (key, value)| {
        batch.put(key, value.clone())
    });
    store.commit(batch).await?;
    ensure_eq!(contents(&store).await?, all, "what is there");
    Ok(())
}

/// A batch over all partitions of a store is refused as one, or applies as one.
pub async fn a_batch_over_everything_applies_whole_or_not_at_all<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, [("old", "1")]).await?;
    let count = store.capabilities().batch_operations_max.clamp(2, 64);
    let all = (0..count).fold(WriteBatch::new(), |batch, n| {
        batch.put(format!("{{{n}}}"), n.to_string())
    });
    if store.capabilities().batch != BatchScope::Store {
        refuses(&store, all, ErrorKind::Unsupported).await?;
        return Ok(());
    }
    store.commit(all).await?;
    ensure_eq!(contents(&store).await?.len(), count + 1, "what is there");
    Ok(())
}

/// A batch without mutations and guards is committed.
pub async fn an_empty_batch_is_committed<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("a", "1").await?;
    store.commit(WriteBatch::new()).await?;
    ensure_eq!(
        contents(&store).await?,
        vec![key_value("a", "1")],
        "what is there"
    );
    Ok(())
}

/// A range delete removes the keys of its range, its bounds as they say.
pub async fn a_range_delete_removes_exactly_its_range<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, [("a", "1")]).await?;
    if refuses_range_deletes(&store).await? {
        return Ok(());
    }
    let ranges = [
        KeyRange::between("a".."b"),
        KeyRange::between("a"..="a\0"),
        KeyRange::all().after("a".into()).before("b".into()),
        KeyRange::between(.."a"),
        KeyRange::between("a"..),
        KeyRange::prefix("a"),
        KeyRange::prefix(&b"\xFF"[..]),
        KeyRange::prefix(&b"\0"[..]),
        KeyRange::between(..=""),
        KeyRange::all(),
    ];
    for range in ranges {
        fill(&store, NASTY_KEYS.iter().map(|key| key_value(key, "v"))).await?;
        store.delete_range(range.clone()).await?;
        let expected: Vec<_> = NASTY_KEYS
            .iter()
            .filter(|key| !range.contains(Key::user(key)))
            .map(|key| key_value(key, "v"))
            .collect();
        ensure_eq!(contents(&store).await?, expected, "what {range:?} left");
    }
    Ok(())
}

/// Deleting a range that no key can lie in succeeds and removes nothing.
pub async fn deleting_an_empty_or_inverted_range_changes_nothing<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    let all = vec![key_value("", "0"), key_value("a", "1"), key_value("b", "2")];
    fill(&store, all.clone()).await?;
    if refuses_range_deletes(&store).await? {
        return Ok(());
    }
    let ranges = [
        KeyRange::between("b".."a"),
        KeyRange::between("a".."a"),
        KeyRange::between("b"..="a"),
        KeyRange::between(..""),
        KeyRange::all().after("a".into()).before("a".into()),
        KeyRange::all().after("b".into()).before("a".into()),
        KeyRange::between("c".."d"),
    ];
    for range in ranges {
        store.delete_range(range.clone()).await?;
        ensure_eq!(contents(&store).await?, all, "what {range:?} left");
    }
    Ok(())
}

/// Puts and range deletes of one batch take effect in their order.
pub async fn range_deletes_and_puts_keep_their_order<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, [("a", "old"), ("b", "old"), ("z", "old")]).await?;
    if refuses_range_deletes(&store).await? {
        return Ok(());
    }
    if store.capabilities().batch != BatchScope::Store {
        return refuses_wide_batches(&store).await;
    }
    let range = KeyRange::between("a".."c");
    let batch = WriteBatch::new()
        .delete_range(range.clone())
        .put("b", "after");
    store.commit(batch).await?;
    let expected = vec![key_value("b", "after"), key_value("z", "old")];
    ensure_eq!(
        contents(&store).await?,
        expected,
        "a put after a range delete stays"
    );

    let batch = WriteBatch::new()
        .put("a", "before")
        .put("y", "1")
        .delete_range(range.clone());
    store.commit(batch).await?;
    let expected = vec![key_value("y", "1"), key_value("z", "old")];
    ensure_eq!(
        contents(&store).await?,
        expected,
        "a range delete takes the puts before it"
    );

    let batch = WriteBatch::new()
        .put("a", "1")
        .delete_range(range.clone())
        .put("a", "2")
        .put("b", "2")
        .delete_range(KeyRange::between("b".."z"))
        .put("c", "3");
    store.commit(batch).await?;
    let expected = vec![
        key_value("a", "2"),
        key_value("c", "3"),
        key_value("z", "old"),
    ];
    ensure_eq!(contents(&store).await?, expected, "several of both");
    Ok(())
}

/// On a store without range deletes, checks the refusal and says `true`.
pub(super) async fn refuses_range_deletes<S: Store>(store: &S) -> CaseResult<bool> {
    if store.capabilities().range_deletes == Support::Supported {
        return Ok(false);
    }
    let batch = WriteBatch::new().delete_range(KeyRange::all());
    let error = refuses(store, batch, ErrorKind::Unsupported).await?;
    ensure!(
        !error.message().is_empty(),
        "a refusal says what is not offered"
    );
    Ok(true)
}
