//! The two spaces: users never meet what layers keep.

use storage_core::{
    BatchScope, Entry, ErrorKind, Item, Key, KeyRange, OwnedKey, Read, ReadExt, ScanOptions, Space,
    Store, StoreExt, Support, WriteBatch,
};

use crate::{
    Bench, CaseResult, Subject,
    failure::{ensure, ensure_eq},
    fixture::{
        NASTY_KEYS, directions, fill, in_key_order, key_value, refuses, refuses_wide_batches,
        system_keys, together, towards, walk,
    },
};

/// No scan, count or get of the user space shows a system entry.
pub async fn user_scans_never_show_system_keys<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(
        &store,
        NASTY_KEYS
            .iter()
            .map(|key| (system_keys().key(key), "system")),
    )
    .await?;
    for direction in directions(store.capabilities()) {
        let items = walk(&store, &KeyRange::all(), &towards(*direction)).await?;
        ensure_eq!(items, vec![], "the user space");
    }
    ensure_eq!(
        store.count(KeyRange::all()).await?,
        0,
        "the count of user keys"
    );
    for suffix in NASTY_KEYS {
        let bytes = system_keys().key(suffix).into_bytes();
        ensure_eq!(
            store.get(&bytes).await?,
            None,
            "a user key of the same bytes"
        );
    }
    Ok(())
}

/// No scan of the system space shows a user entry.
pub async fn system_scans_never_show_user_keys<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let system: Vec<_> = NASTY_KEYS
        .iter()
        .map(|key| system_keys().key(key))
        .collect();
    fill(&store, NASTY_KEYS.iter().map(|key| key_value(key, "user"))).await?;
    let same_bytes = system.iter().map(|key| (key.bytes().clone(), "user"));
    fill(&store, same_bytes).await?;
    let range = system_keys().range();
    ensure_eq!(
        store.count(range.clone()).await?,
        0,
        "the count of system keys"
    );
    fill(&store, system.iter().map(|key| (key.clone(), "system"))).await?;
    for direction in directions(store.capabilities()) {
        let items = walk(&store, &range, &towards(*direction)).await?;
        ensure_eq!(items.len(), system.len(), "system entries, {direction:?}");
        let strays = items.iter().filter(|item| item.entry.value() != "system");
        ensure_eq!(strays.count(), 0, "user entries among them");
    }
    let whole = KeyRange::all().in_space(Space::System);
    let everything = walk(&store, &whole, &ScanOptions::new()).await?;
    let strays = everything
        .iter()
        .filter(|item| item.entry.value() == "user");
    ensure_eq!(strays.count(), 0, "user entries in the whole system space");
    Ok(())
}

/// The same bytes name different entries in the two spaces.
pub async fn the_same_bytes_in_two_spaces_are_two_keys<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let system = system_keys().key("x");
    let user = OwnedKey::from(system.bytes().clone());
    store.put(system.clone(), "system").await?;
    store.put(user.clone(), "user").await?;
    let both = store.get_many(&[user.clone(), system.clone()]).await?;
    let values: Vec<_> = both.into_iter().flatten().map(Entry::into_value).collect();
    ensure_eq!(values, ["user", "system"], "the values");
    ensure!(store.delete(&system).await?, "the system key was there");
    ensure!(store.exists(&user).await?, "the user key is still there");
    ensure_eq!(store.get(&system).await?, None, "the system key");
    Ok(())
}

/// Removing every user key leaves the system space, and the other way round.
pub async fn a_range_delete_stays_in_its_space<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let system: Vec<_> = NASTY_KEYS
        .iter()
        .map(|key| system_keys().key(key))
        .collect();
    fill(&store, system.iter().map(|key| (key.clone(), "system"))).await?;
    fill(&store, NASTY_KEYS.iter().map(|key| key_value(key, "user"))).await?;
    if store.capabilities().range_deletes == Support::Unsupported {
        let batch = WriteBatch::new().delete_range(KeyRange::all());
        refuses(&store, batch, ErrorKind::Unsupported).await?;
        return Ok(());
    }
    let whole = KeyRange::all().in_space(Space::System);
    let before = walk(&store, &whole, &ScanOptions::new()).await?;
    store.delete_range(KeyRange::all()).await?;
    ensure_eq!(store.count(KeyRange::all()).await?, 0, "user keys left");
    let left = walk(&store, &whole, &ScanOptions::new()).await?;
    // The engine may keep its sequence in the system space, so values differ.
    let keys = |items: Vec<Item>| items.into_iter().map(|item| item.key);
    ensure!(keys(left).eq(keys(before)), "the system keys stay");
    fill(&store, NASTY_KEYS.iter().map(|key| key_value(key, "user"))).await?;
    store.delete_range(system_keys().range()).await?;
    ensure_eq!(
        store.count(system_keys().range()).await?,
        0,
        "system keys left"
    );
    let users = walk(&store, &KeyRange::all(), &ScanOptions::new()).await?;
    let users = in_key_order(users, store.capabilities());
    ensure!(
        users
            .iter()
            .map(|item| item.key.as_ref())
            .eq(NASTY_KEYS.iter().copied()),
        "the user keys stay"
    );
    Ok(())
}

/// A batch changes both spaces at once.
pub async fn a_batch_may_change_both_spaces<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if store.capabilities().batch == BatchScope::Key {
        return refuses_wide_batches(&store).await;
    }
    let system = system_keys().key(together("x").bytes());
    store
        .commit(
            WriteBatch::new()
                .put(together("x"), "user")
                .put(system.clone(), "system"),
        )
        .await?;
    let user = store.get(&together("x")).await?;
    ensure_eq!(
        user.map(Entry::into_value),
        Some("user".into()),
        "the user entry"
    );
    let entry = store.get(&system).await?;
    ensure_eq!(
        entry.map(Entry::into_value),
        Some("system".into()),
        "the system entry"
    );
    let page = store
        .scan_with(&system_keys().range(), &ScanOptions::new())
        .await?;
    ensure!(
        page.items
            .iter()
            .all(|item| Key::in_space(Space::System, &item.key) == system.as_key()),
        "a system scan returns whole system keys"
    );
    Ok(())
}
