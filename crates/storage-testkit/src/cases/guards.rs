//! Guards: a batch applies only if they all hold.

use storage_core::{
    BatchScope, Entry, ErrorKind, Guard, Key, KeyRange, ReadExt, ScanOptions, Stamp, Store,
    StoreExt, Support, WriteBatch,
};

use crate::{
    Bench, CaseResult, Failure, Subject,
    failure::{ensure, ensure_eq},
    fixture::{contents, fill, key_value, refuses, system_keys, together, walk},
};

/// `Absent` holds for an absent key only.
pub async fn an_absent_guard_holds_only_for_absent_keys<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    if refuses_guards(&store).await? {
        return Ok(());
    }
    store
        .commit(WriteBatch::new().absent("k").put("k", "1"))
        .await?;
    conflicts(&store, WriteBatch::new().absent("k").put("k", "2"), 0).await?;
    store.delete("k").await?;
    store
        .commit(WriteBatch::new().absent("k").put("k", "3"))
        .await?;
    ensure_eq!(
        contents(&store).await?,
        vec![key_value("k", "3")],
        "what is there"
    );
    Ok(())
}

/// `Present` holds for a present key only, also if its value is empty.
pub async fn a_present_guard_holds_only_for_present_keys<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    if refuses_guards(&store).await? {
        return Ok(());
    }
    conflicts(&store, WriteBatch::new().present("k").put("k", "1"), 0).await?;
    store.put("k", "").await?;
    store
        .commit(WriteBatch::new().present("k").put("k", "2"))
        .await?;
    ensure_eq!(
        contents(&store).await?,
        vec![key_value("k", "2")],
        "what is there"
    );
    store.delete("k").await?;
    conflicts(&store, WriteBatch::new().present("k").put("k", "3"), 0).await
}

/// `Unchanged` holds as long as the entry is the one that was read.
pub async fn an_unchanged_guard_holds_only_for_the_entry_read<S: Subject>(
    bench: &Bench<S>,
) -> CaseResult {
    let store = bench.open().await?;
    if refuses_guards(&store).await? {
        return Ok(());
    }
    store.put("k", "1").await?;
    let first = stamp(&store, "k").await?;
    ensure_eq!(stamp(&store, "k").await?, first, "the stamp read again");
    let batch = WriteBatch::new()
        .unchanged("k", first.clone())
        .put("k", "2");
    store.commit(batch.clone()).await?;
    conflicts(&store, batch.clone(), 0).await?;
    store.delete("k").await?;
    conflicts(&store, batch, 0).await
}

/// A stamp read before an overwrite is stale after it.
pub async fn a_stale_stamp_conflicts<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if refuses_guards(&store).await? {
        return Ok(());
    }
    for overwrite in ["2", "", "1 and more"] {
        store.put("k", "1").await?;
        let stale = stamp(&store, "k").await?;
        store.put("k", overwrite).await?;
        conflicts(
            &store,
            WriteBatch::new().unchanged("k", stale).put("k", "lost"),
            0,
        )
        .await?;
    }
    Ok(())
}

/// The stamps of `get`, `get_many` and `scan` are the same, and all can be
/// guarded on.
pub async fn a_stamp_from_a_scan_is_that_of_a_get<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, [("a", "1"), ("b", "2")]).await?;
    let items = walk(&store, &KeyRange::all(), &ScanOptions::new()).await?;
    for item in items {
        let got = stamp(&store, &item.key).await?;
        ensure_eq!(item.entry.stamp(), got, "the stamp of {:?}", item.key);
        let many = store.get_many(&[item.key.clone().into()]).await?;
        let many = many.into_iter().flatten().next().map(|entry| entry.stamp());
        ensure_eq!(many, Some(got.clone()), "the stamp from get_many");
        if store.capabilities().guards == Support::Supported {
            let batch = WriteBatch::new().unchanged(&item.key, item.entry.stamp());
            store.commit(batch.put(&item.key, "3")).await?;
        }
    }
    refuses_guards(&store).await?;
    Ok(())
}

/// A guard on the stamp that keys-only scans return is a mistake.
pub async fn a_guard_on_no_stamp_is_invalid<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("k", "1").await?;
    if refuses_guards(&store).await? {
        return Ok(());
    }
    let batch = WriteBatch::new()
        .unchanged("k", Stamp::none())
        .put("k", "2");
    refuses(&store, batch, ErrorKind::Invalid).await?;
    Ok(())
}

/// A batch whose guard fails leaves every key as it was.
pub async fn a_batch_whose_guard_fails_changes_nothing<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let all = [("a", "1"), ("b", "2"), ("c", "3")];
    fill(&store, all.map(|(key, value)| (together(key), value))).await?;
    if refuses_guards(&store).await? {
        return Ok(());
    }
    if store.capabilities().batch == BatchScope::Key {
        return conflicts(
            &store,
            WriteBatch::new()
                .absent(together("a"))
                .put(together("a"), "lost"),
            0,
        )
        .await;
    }
    let system = system_keys().key(together("x").bytes());
    let mut batch = WriteBatch::new()
        .present(together("missing"))
        .put(together("a"), "lost")
        .delete(together("b"))
        .put(together("d"), "lost")
        .put(system, "lost");
    if store.capabilities().range_deletes == Support::Supported {
        batch = batch.delete_range(KeyRange::all());
    }
    conflicts(&store, batch, 0).await
}

/// A conflict names the guard that did not hold, wherever it stands.
pub async fn a_conflict_names_its_guard<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let all = [("a", "1"), ("b", "2")];
    fill(&store, all.map(|(key, value)| (together(key), value))).await?;
    if refuses_guards(&store).await? {
        return Ok(());
    }
    if store.capabilities().batch == BatchScope::Key {
        let batch = WriteBatch::new()
            .present(together("a"))
            .absent(together("a"))
            .put(together("a"), "lost");
        return conflicts(&store, batch, 1).await;
    }
    for failing in 0..4 {
        let mut batch = WriteBatch::new();
        for index in 0..4 {
            let key = together(if index % 2 == 0 { "a" } else { "b" });
            batch = if index == failing {
                batch.absent(key)
            } else {
                batch.present(key)
            };
        }
        conflicts(
            &store,
            batch.put(together("a"), "lost").put(together("c"), "lost"),
            failing,
        )
        .await?;
    }
    Ok(())
}

/// Guards see the state before the batch, not what its mutations do.
pub async fn guards_see_the_state_before_the_batch<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if refuses_guards(&store).await? {
        return Ok(());
    }
    let batch = WriteBatch::new().put("k", "1").absent("k");
    store.commit(batch).await?;
    store
        .commit(WriteBatch::new().delete("k").present("k"))
        .await?;
    ensure_eq!(contents(&store).await?, vec![], "what is there");
    conflicts(&store, WriteBatch::new().put("k", "2").present("k"), 0).await?;
    store.put("k", "3").await?;
    conflicts(&store, WriteBatch::new().delete("k").absent("k"), 0).await?;
    let unchanged = stamp(&store, "k").await?;
    store
        .commit(WriteBatch::new().put("k", "4").unchanged("k", unchanged))
        .await?;
    ensure_eq!(
        contents(&store).await?,
        vec![key_value("k", "4")],
        "what is there"
    );
    Ok(())
}

/// A batch of guards alone says whether they hold.
pub async fn a_batch_of_guards_alone_only_checks<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("k", "1").await?;
    if refuses_guards(&store).await? {
        return Ok(());
    }
    store.commit(WriteBatch::new().present("k")).await?;
    conflicts(&store, WriteBatch::new().absent("k"), 0).await?;
    ensure_eq!(
        contents(&store).await?,
        vec![key_value("k", "1")],
        "what is there"
    );
    Ok(())
}

/// A guard may look at a key which the batch does not change, in either space.
pub async fn a_guard_may_look_at_another_key<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if refuses_guards(&store).await? {
        return Ok(());
    }
    let lock = system_keys().key(together("lock").bytes());
    if store.capabilities().batch == BatchScope::Key {
        store
            .commit(WriteBatch::new().guard(Guard::Absent(lock)))
            .await?;
        return Ok(());
    }
    store
        .commit(WriteBatch::new().absent(&lock).put(together("k"), "1"))
        .await?;
    store.put(lock.clone(), "held").await?;
    conflicts(
        &store,
        WriteBatch::new().absent(&lock).put(together("k"), "2"),
        0,
    )
    .await?;
    store
        .commit(WriteBatch::new().present(&lock).put(together("k"), "3"))
        .await?;
    let value = store.get(&together("k")).await?.map(Entry::into_value);
    ensure_eq!(value, Some("3".into()), "the guarded value");
    Ok(())
}

/// An entry that has expired counts as absent.
pub async fn an_expired_entry_is_absent_for_guards<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if refuses_guards(&store).await? {
        return Ok(());
    }
    if store.capabilities().expiry == Support::Unsupported {
        let batch = WriteBatch::new().put_until("k", "1", bench.in_milliseconds(10));
        refuses(&store, batch, ErrorKind::Unsupported).await?;
        return Ok(());
    }
    store
        .commit(WriteBatch::new().put_until("k", "1", bench.in_milliseconds(10)))
        .await?;
    let live = stamp(&store, "k").await?;
    bench.advance_milliseconds(9);
    conflicts(&store, WriteBatch::new().absent("k").put("k", "early"), 0).await?;
    store.commit(WriteBatch::new().present("k")).await?;
    bench.advance_milliseconds(1);
    conflicts(&store, WriteBatch::new().present("k").put("k", "late"), 0).await?;
    conflicts(
        &store,
        WriteBatch::new().unchanged("k", live).put("k", "late"),
        0,
    )
    .await?;
    store
        .commit(WriteBatch::new().absent("k").put("k", "2"))
        .await?;
    ensure_eq!(
        contents(&store).await?,
        vec![key_value("k", "2")],
        "what is there"
    );
    Ok(())
}

/// On a store without guards, checks the refusal of each kind and says `true`.
pub(super) async fn refuses_guards<S: Store>(store: &S) -> CaseResult<bool> {
    if store.capabilities().guards == Support::Supported {
        return Ok(false);
    }
    let guards = [
        Guard::Absent("guarded".into()),
        Guard::Present("guarded".into()),
        Guard::Unchanged("guarded".into(), Stamp::new("stamp".into())),
    ];
    for guard in guards {
        refuses(
            store,
            WriteBatch::new().guard(guard),
            ErrorKind::Unsupported,
        )
        .await?;
    }
    Ok(true)
}

/// Checks that the batch conflicts, without effect, naming the guard `index`.
async fn conflicts<S: Store>(store: &S, batch: WriteBatch, index: usize) -> CaseResult {
    let error = refuses(store, batch, ErrorKind::Conflict).await?;
    ensure_eq!(
        error.guard(),
        Some(index),
        "the guard that the conflict names"
    );
    ensure!(error.key().is_some(), "a conflict names its key, redacted");
    Ok(())
}

async fn stamp<'a, S: Store>(store: &S, key: impl Into<Key<'a>> + Send) -> CaseResult<Stamp> {
    let key = key.into();
    match store.get(key).await? {
        Some(entry) => Ok(entry.stamp()),
        None => Err(Failure::new(format!("{key:?} should be present"))),
    }
}
