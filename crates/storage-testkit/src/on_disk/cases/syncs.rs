//! Syncs that fail.

use bytes::Bytes;
use storage_core::{Entry, ErrorKind, Outcome, ReadExt, Store};

use crate::{
    CaseResult, Failure,
    failure::{ensure, ensure_eq},
    fixture::refused,
    on_disk::{
        Call, OnDisk, Scene, close,
        enclosure::Enclosure,
        fail_calls,
        ledger::{Ledger, unless},
    },
};

const EIO: i32 = 5;

/// After a sync has failed, nobody knows what is durable: the commit that waited
/// for it says so, all later ones are refused, reads go on, and whoever opens the
/// store again finds what was acknowledged.
pub async fn a_failed_sync_ends_all_writes<S: OnDisk>(scene: &Scene<S>) -> CaseResult {
    let path = scene.path("store");
    if scene.is_inside(Enclosure::Process)? {
        let store = scene.open(&path).await?;
        let mut ledger = Ledger::default();
        ledger.must_put(&store, b"before", b"value").await?;
        fail_calls(Call::Sync, EIO)?;
        return write_without_syncs(&store, &mut ledger).await;
    }
    let store = scene.open(&path).await?;
    ensure_eq!(
        value(&store, "before").await?.as_deref(),
        Some(&b"value"[..]),
        "what was synced before"
    );
    ensure_eq!(value(&store, "after").await?, None, "what was refused");
    let unsure = value(&store, "unsure").await?;
    ensure!(
        unsure.is_none_or(|unsure| unsure == "value"),
        "what was not synced has another value"
    );
    ensure_eq!(store.check().await?.damages, [], "a sound store");
    close(store).await
}

async fn write_without_syncs(store: &impl Store, ledger: &mut Ledger) -> CaseResult {
    let strongest = store.capabilities().durability_max;
    let Some(error) = ledger.put(store, b"unsure", b"value", strongest).await? else {
        return Err(Failure::new("a commit was acknowledged whose sync failed"));
    };
    ensure_eq!(
        error.outcome(),
        Some(Outcome::Unknown),
        "of a commit whose sync failed: {error}"
    );
    for durability in [strongest, store.capabilities().durability_min] {
        let later = ledger.put(store, b"after", b"value", durability).await?;
        let error = refused(later.map_or(Ok(()), Err), ErrorKind::Poisoned)?;
        ensure_eq!(
            error.outcome(),
            Some(Outcome::NotApplied),
            "of a commit after that: {error}"
        );
    }
    let is_there = store.get("before").await?.is_some();
    ensure!(is_there, "reads end with a failed sync");
    let health = store.health().await?;
    ensure!(!health.is_well(), "health says nothing of a failed sync");
    unless(&[ErrorKind::Poisoned], store.close().await).map(drop)
}

async fn value(store: &impl Store, key: &str) -> CaseResult<Option<Bytes>> {
    Ok(store.get(key).await?.map(Entry::into_value))
}
