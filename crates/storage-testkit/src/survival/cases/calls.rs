//! Everything that is neither a read of entries nor a commit.

use storage_core::{ErrorKind, Maintenance, ReadExt, Retry, Store, StoreExt};

use super::{failed, happened, keeps_what_it_says};
use crate::{
    CaseResult,
    failure::ensure_eq,
    faulty::Call,
    fixture::{contents, key_value, refused},
    survival::Scene,
};

/// Statistics, health, checks and maintenance that fail below fail with the same
/// error, and leave the data as it is.
pub async fn failed_inspections_keep_what_their_errors_say<S: Store>(
    scene: &Scene<S>,
) -> CaseResult {
    let (store, kind) = (&scene.store, ErrorKind::Unavailable);
    store.put("k", "v").await?;
    for call in [Call::Stats, Call::Health, Call::Check, Call::Maintain] {
        let refusals = scene.refuse(call, kind)?;
        let error = match call {
            Call::Stats => failed(store.stats().await)?,
            Call::Health => failed(store.health().await)?,
            Call::Check => failed(store.check().await)?,
            _ => failed(store.maintain(Maintenance::Flush).await)?,
        };
        happened(&refusals)?;
        keeps_what_it_says(&error, call, kind, Retry::Never)?;
        scene.recover().await?;
    }
    store.stats().await?;
    store.health().await?;
    ensure_eq!(
        store.check().await?.damages.len(),
        0,
        "damages of a sound store"
    );
    ensure_eq!(
        contents(store).await?,
        vec![key_value("k", "v")],
        "what is there"
    );
    Ok(())
}

/// Closing that failed can be repeated, and then closes the store below, too.
pub async fn closing_again_after_a_failure_closes<S: Store>(scene: &Scene<S>) -> CaseResult {
    let store = &scene.store;
    store.put("k", "v").await?;
    let refusals = scene.refuse(Call::Close, ErrorKind::Unavailable)?;
    let error = failed(store.close().await)?;
    happened(&refusals)?;
    keeps_what_it_says(&error, Call::Close, ErrorKind::Unavailable, Retry::Never)?;
    scene.recover().await?;
    store.close().await?;
    refused(store.get("k").await, ErrorKind::Closed)?;
    refused(scene.below.get("k").await, ErrorKind::Closed)?;
    Ok(())
}
