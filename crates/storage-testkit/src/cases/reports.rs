//! What a store says of itself: description, capabilities, figures, checks.

use storage_core::{
    BatchScope, Capabilities, ErrorKind, KeyRange, Maintenance, ReadExt, SnapshotSupport, Store,
    StoreExt, Support,
};

use crate::{
    Bench, CaseResult, Subject,
    failure::{ensure, ensure_eq},
    fixture::{contents, fill, key_value},
};

/// The description names the engine, and does not change.
pub async fn the_description_names_the_engine<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let description = store.describe();
    ensure_eq!(description.engine, S::ENGINE, "the name of the engine");
    ensure!(
        description.to_string().contains(S::ENGINE),
        "{description} names the engine"
    );
    store.put("k", "v").await?;
    ensure_eq!(store.describe(), description, "the description later on");
    Ok(())
}

/// The capabilities agree with each other and meet the least of every store.
pub async fn the_capabilities_make_sense<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let capabilities = store.capabilities().clone();
    let least = Capabilities::least();
    ensure!(
        capabilities.durability_min <= capabilities.durability_max,
        "the weakest durability is at most the strongest"
    );
    ensure!(
        capabilities.key_bytes_max >= Capabilities::PORTABLE_KEY_BYTES,
        "keys of {} bytes are at most {}",
        Capabilities::PORTABLE_KEY_BYTES,
        capabilities.key_bytes_max
    );
    ensure!(
        capabilities.value_bytes_max >= least.value_bytes_max,
        "values of 1 MiB are taken"
    );
    ensure!(
        capabilities.batch_bytes_max >= capabilities.value_bytes_max,
        "a batch holds the largest value"
    );
    let operations_min = match (capabilities.batch, capabilities.guards) {
        (BatchScope::Key, Support::Unsupported) => 1,
        _ => 2,
    };
    ensure!(
        capabilities.batch_operations_max >= operations_min,
        "a batch holds {operations_min} operations"
    );
    if let SnapshotSupport::Within(age) = capabilities.snapshots {
        ensure!(!age.is_zero(), "a snapshot lasts for some time");
    }
    store.put("k", "v").await?;
    ensure_eq!(
        *store.capabilities(),
        capabilities,
        "the capabilities later on"
    );
    bench.record_declared(&capabilities);
    Ok(())
}

/// The store judges expiry by the clock it was opened with.
pub async fn the_clock_is_the_one_passed_in<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    ensure_eq!(store.clock().now(), bench.now(), "the time of the store");
    bench.advance_milliseconds(12_345);
    ensure_eq!(
        store.clock().now(),
        bench.now(),
        "the time of the store later on"
    );
    Ok(())
}

/// Statistics and health are answered, and a store that works is well.
pub async fn stats_and_health_are_answered<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, (0..100_u8).map(|n| key_value([n], "v"))).await?;
    store.stats().await?;
    let health = store.health().await?;
    ensure!(
        health.is_well(),
        "a store that works is well: {:?}",
        health.issues
    );
    Ok(())
}

/// A check reads every entry and finds a sound store sound.
pub async fn a_check_reads_every_entry<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    store.put("first", "v").await?;
    let before = store.check().await?;
    fill(&store, (0..250_u8).map(|n| key_value([n], "v"))).await?;
    let after = store.check().await?;
    ensure_eq!(after.entries, before.entries + 250, "entries read");
    ensure_eq!(after.damages, vec![], "damages of a sound store");
    Ok(())
}

/// Each kind of maintenance is done or is `Unsupported`; the data stays.
pub async fn maintenance_leaves_the_data_alone<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, (0..250_u8).map(|n| key_value([n], "v"))).await?;
    for number in 0..100_u8 {
        store.delete(&[number]).await?;
    }
    let kinds = [
        Maintenance::Compact,
        Maintenance::Vacuum,
        Maintenance::Analyze,
        Maintenance::Reindex,
        Maintenance::Flush,
    ];
    let all = contents(&store).await?;
    for kind in kinds {
        if let Err(error) = store.maintain(kind).await {
            ensure_eq!(
                error.kind(),
                ErrorKind::Unsupported,
                "{kind:?} fails: {error}"
            );
        }
        ensure_eq!(contents(&store).await?, all, "what is there after {kind:?}");
    }
    ensure_eq!(store.count(KeyRange::all()).await?, 150, "the count");
    Ok(())
}
