//! Expiry: entries vanish at their instant, from every kind of read.

use std::time::Duration;

use storage_core::{
    ErrorKind, KeyRange, OwnedKey, ReadExt, ScanOptions, SnapshotSupport, Store, StoreExt, Support,
    Timestamp, WriteBatch,
};

use crate::{
    Bench, CaseResult, Subject,
    failure::{ensure, ensure_eq},
    fixture::{contents, directions, fill, key_value, quick, refuses, system_keys, towards, walk},
};

/// Until it expires, an entry is there and tells when it will.
pub async fn an_entry_is_there_until_it_expires<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if refuses_expiry(bench, &store).await? {
        return Ok(());
    }
    let expires = bench.in_milliseconds(10);
    store
        .commit(WriteBatch::new().put_until("k", "v", expires))
        .await?;
    bench.advance_milliseconds(9);
    let entry = store.get("k").await?;
    ensure_eq!(
        entry.map(|entry| (entry.value().clone(), entry.expires())),
        Some(("v".into(), Some(expires))),
        "one millisecond before"
    );
    for options in [ScanOptions::new(), ScanOptions::new().keys_only()] {
        let items = walk(&store, &KeyRange::all(), &options).await?;
        let found: Vec<_> = items.iter().map(|item| item.entry.expires()).collect();
        ensure_eq!(found, [Some(expires)], "the expiry in a scan");
    }
    Ok(())
}

/// At the instant it expires, an entry is gone from every kind of read.
pub async fn an_entry_is_gone_the_moment_it_expires<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if refuses_expiry(bench, &store).await? {
        return Ok(());
    }
    let system = system_keys().key("k");
    for key in [OwnedKey::from("k"), system.clone()] {
        let batch = WriteBatch::new().put_until(key, "v", bench.in_milliseconds(10));
        store.commit(batch).await?;
    }
    let snapshot = match store.capabilities().snapshots {
        SnapshotSupport::Unsupported => None,
        _ => Some(store.snapshot().await?),
    };
    bench.advance_milliseconds(10);
    gone(&store).await?;
    ensure_eq!(store.get(&system).await?, None, "get in the system space");
    for direction in directions(store.capabilities()) {
        let items = walk(&store, &KeyRange::all(), &towards(*direction)).await?;
        ensure_eq!(items, vec![], "scan, {direction:?}");
    }
    ensure!(
        !store.delete("k").await?,
        "an expired entry is not there to be deleted"
    );
    if let Some(snapshot) = snapshot {
        gone(&snapshot).await?;
    }
    Ok(())
}

/// What is put with an instant in the past is never seen, and replaces what was
/// there.
pub async fn an_entry_put_after_its_expiry_is_absent<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if refuses_expiry(bench, &store).await? {
        return Ok(());
    }
    for expires in [Timestamp::from_unix_milliseconds(0), bench.now()] {
        store.put("k", "old").await?;
        store
            .commit(WriteBatch::new().put_until("k", "v", expires))
            .await?;
        gone(&store).await?;
    }
    Ok(())
}

/// A put for good takes the place of an expiring entry, and its expiry.
pub async fn overwriting_clears_the_expiry<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if refuses_expiry(bench, &store).await? {
        return Ok(());
    }
    store
        .commit(WriteBatch::new().put_until("k", "1", bench.in_milliseconds(10)))
        .await?;
    store.put("k", "2").await?;
    bench.advance_milliseconds(1_000);
    let entry = store.get("k").await?;
    ensure_eq!(
        entry.map(|entry| (entry.value().clone(), entry.expires())),
        Some(("2".into(), None)),
        "an entry put for good"
    );
    Ok(())
}

/// The last put decides the expiry: later, earlier, or again after it passed.
pub async fn the_last_put_decides_the_expiry<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if refuses_expiry(bench, &store).await? {
        return Ok(());
    }
    for milliseconds in [10, 30, 20] {
        let expires = bench.in_milliseconds(milliseconds);
        store
            .commit(WriteBatch::new().put_until("k", "v", expires))
            .await?;
    }
    bench.advance_milliseconds(19);
    ensure!(store.exists("k").await?, "before the last expiry");
    bench.advance_milliseconds(1);
    gone(&store).await?;
    store
        .put_for("k", "again", Duration::from_millis(5))
        .await?;
    bench.advance_milliseconds(4);
    ensure_eq!(
        contents(&store).await?,
        vec![key_value("k", "again")],
        "put again"
    );
    bench.advance_milliseconds(1);
    gone(&store).await
}

/// The far end of time is an expiry like any other.
pub async fn an_entry_may_expire_at_the_end_of_time<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    if refuses_expiry(bench, &store).await? {
        return Ok(());
    }
    store.put_for("k", "v", Duration::MAX).await?;
    bench.advance_milliseconds(1 << 40);
    let expires = store.get("k").await?.and_then(|entry| entry.expires());
    ensure_eq!(
        expires,
        Some(Timestamp::from_unix_milliseconds(u64::MAX)),
        "the expiry"
    );
    Ok(())
}

/// However many entries have expired, a scan leads past them to the end.
pub async fn a_scan_leads_past_expired_entries<S: Subject>(bench: &Bench<S>) -> CaseResult {
    const ENTRIES: u16 = 300;
    let store = bench.open().await?;
    if refuses_expiry(bench, &store).await? {
        return Ok(());
    }
    let expires = bench.in_milliseconds(10);
    let live = |number: u16| number % 100 == 50 || number == ENTRIES - 1;
    fill(
        &store,
        (0..ENTRIES)
            .filter(|n| live(*n))
            .map(|n| key_value(n.to_be_bytes(), "live")),
    )
    .await?;
    for number in (0..ENTRIES).filter(|number| !live(*number)) {
        let batch = WriteBatch::new().put_until(&number.to_be_bytes(), "dead", expires);
        store.commit_with(batch, &quick(&store)).await?;
    }
    bench.advance_milliseconds(10);
    for direction in directions(store.capabilities()) {
        for entries_max in [1, 2, 3, 1_000] {
            let options = towards(*direction).entries_max(entries_max);
            let items = walk(&store, &KeyRange::all(), &options).await?;
            ensure_eq!(items.len(), 4, "{direction:?}, by pages of {entries_max}");
        }
    }
    ensure_eq!(store.count(KeyRange::all()).await?, 4, "the count");
    Ok(())
}

/// On a store without expiry, checks the refusal and says `true`.
async fn refuses_expiry<S: Subject>(bench: &Bench<S>, store: &S::Store) -> CaseResult<bool> {
    if store.capabilities().expiry == Support::Supported {
        return Ok(false);
    }
    let batch = WriteBatch::new().put_until("k", "v", bench.in_milliseconds(10));
    refuses(store, batch, ErrorKind::Unsupported).await?;
    Ok(true)
}

/// Checks that no read finds the user key `k`, the only one there was.
async fn gone<R: ReadExt>(reader: &R) -> CaseResult {
    ensure_eq!(reader.get("k").await?, None, "get");
    ensure_eq!(
        reader.get_many(&["k".into()]).await?,
        vec![None],
        "get_many"
    );
    ensure!(!reader.exists("k").await?, "exists");
    ensure_eq!(reader.count(KeyRange::all()).await?, 0, "count");
    for options in [ScanOptions::new(), ScanOptions::new().keys_only()] {
        let items = walk(reader, &KeyRange::all(), &options).await?;
        ensure_eq!(items, vec![], "scan");
    }
    Ok(())
}
