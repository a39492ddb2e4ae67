//! Commits that fail, and those of which nobody knows whether they did.

use std::time::Duration;

use bytes::Bytes;
use storage_core::{
    Entry, ErrorKind, KeyRange, Outcome, Read, ReadExt, Retry, ScanOptions, SequenceScope, Store,
    StoreExt, Support, WriteBatch,
};

use super::{failed, happened, is_unknown, keeps_what_it_says};
use crate::{
    CaseResult,
    failure::ensure_eq,
    faulty::{Call, Fault, Gate, Rule},
    fixture::{contents, refused},
    survival::Scene,
};

/// A commit that the store below refuses is reported as not applied, and is not.
pub async fn a_refused_commit_is_reported_as_not_applied<S: Store>(scene: &Scene<S>) -> CaseResult {
    let store = &scene.store;
    store.put("k", "before").await?;
    let before = contents(store).await?;
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::Throttled,
        ErrorKind::TimedOut,
        ErrorKind::Denied,
        ErrorKind::Full,
        ErrorKind::Internal,
    ] {
        let refusals = scene.refuse(Call::Commit, kind)?;
        let error = failed(store.put("k", "after").await)?;
        happened(&refusals)?;
        ensure_eq!(
            error.outcome(),
            Some(Outcome::NotApplied),
            "the outcome of: {error}"
        );
        scene.recover().await?;
        ensure_eq!(contents(store).await?, before, "what a refused commit left");
    }
    store.put("k", "after").await?;
    ensure_eq!(
        value(store, "k").await?,
        Some("after".into()),
        "the value after all refusals"
    );
    Ok(())
}

/// The error of a commit keeps its kind, retry, operation, key and layer.
pub async fn an_error_of_a_commit_keeps_what_it_says<S: Store>(scene: &Scene<S>) -> CaseResult {
    let (kind, delay) = (ErrorKind::Throttled, Duration::from_millis(7));
    let fault = Fault::refuse(kind).retry_after(delay);
    let refusals = scene.faults.inject(Rule::on(Call::Commit), fault)?;
    let error = failed(scene.store.put("k", "v").await)?;
    happened(&refusals)?;
    keeps_what_it_says(&error, Call::Commit, kind, Retry::After(delay))?;
    ensure_eq!(
        error.key().is_some(),
        true,
        "whether a key is named in: {error}"
    );
    Ok(())
}

/// A commit that was applied and whose answer was lost is seen by every read:
/// nothing that was read before is shown any more.
pub async fn a_lost_answer_hides_no_change<S: Store>(scene: &Scene<S>) -> CaseResult {
    let store = &scene.store;
    store.put("k", "before").await?;
    ensure_eq!(
        value(store, "k").await?,
        Some("before".into()),
        "the value before"
    );
    let lost = scene.next_commit(Fault::lose_answer(ErrorKind::TimedOut))?;
    let answer = store.put("k", "after").await;
    happened(&lost)?;
    if answer.is_err() {
        is_unknown(answer)?;
    }
    reads_agree(store, "after").await
}

/// A commit that was lost on its way changes nothing, unless it is repeated
/// and answered.
pub async fn a_lost_request_shows_no_change<S: Store>(scene: &Scene<S>) -> CaseResult {
    let store = &scene.store;
    store.put("k", "before").await?;
    let lost = scene.next_commit(Fault::lose_request(ErrorKind::TimedOut))?;
    let answer = store.put("k", "after").await;
    happened(&lost)?;
    if answer.is_ok() {
        return reads_agree(store, "after").await;
    }
    is_unknown(answer)?;
    reads_agree(store, "before").await
}

/// A commit whose repetition would change something is not repeated when its
/// outcome is unknown, and never reported as not applied.
pub async fn a_commit_of_unknown_outcome_is_not_repeated<S: Store>(scene: &Scene<S>) -> CaseResult {
    let (store, capabilities) = (&scene.store, scene.store.capabilities());
    let kind = ErrorKind::Unavailable;
    for (fault, times) in [
        (Fault::lose_answer(kind), 1),
        (Fault::lose_request(kind), 0),
    ] {
        if capabilities.sequence != SequenceScope::Unsupported {
            let lost = scene.next_commit(fault.clone())?;
            let batch = WriteBatch::new().put_sequenced("log/", "", "v");
            is_unknown(store.commit(batch).await)?;
            happened(&lost)?;
            let logged = store.count(KeyRange::prefix("log/")).await?;
            ensure_eq!(logged, times, "entries that one commit has logged");
            store.delete_range(KeyRange::prefix("log/")).await?;
        }
        if capabilities.guards == Support::Supported {
            let lost = scene.next_commit(fault)?;
            let batch = WriteBatch::new().absent("once").put("once", "v");
            is_unknown(store.commit(batch).await)?;
            happened(&lost)?;
            let there = u64::from(store.exists("once").await?);
            ensure_eq!(there, times, "entries that one commit has made");
            store.delete("once").await?;
        }
    }
    Ok(())
}

/// A commit that is made after its caller was told that nobody knows is not seen
/// before it is made, and by every read after.
pub async fn a_late_commit_is_seen_once_it_is_made<S: Store>(scene: &Scene<S>) -> CaseResult {
    let store = &scene.store;
    store.put("k", "before").await?;
    let gate = Gate::new();
    let late = scene.next_commit(Fault::apply_late(ErrorKind::TimedOut, &gate))?;
    let batch = WriteBatch::new().present("k").put("k", "after");
    is_unknown(store.commit(batch).await)?;
    happened(&late)?;
    reads_agree(store, "before").await?;
    gate.open();
    scene.recover().await?;
    reads_agree(store, "after").await
}

/// Guards are judged by what a commit of unknown outcome has left.
pub async fn guards_see_what_an_unknown_commit_left<S: Store>(scene: &Scene<S>) -> CaseResult {
    let store = &scene.store;
    if store.capabilities().guards == Support::Unsupported {
        refused(
            store.commit(WriteBatch::new().absent("k")).await,
            ErrorKind::Unsupported,
        )?;
        return Ok(());
    }
    let create = |key: &str| WriteBatch::new().absent(key).put(key, "v");
    scene.next_commit(Fault::lose_request(ErrorKind::TimedOut))?;
    is_unknown(store.commit(create("lost")).await)?;
    store.commit(create("lost")).await?;
    scene.next_commit(Fault::lose_answer(ErrorKind::TimedOut))?;
    is_unknown(store.commit(create("made")).await)?;
    refused(store.commit(create("made")).await, ErrorKind::Conflict)?;
    ensure_eq!(store.delete("made").await?, true, "whether the key existed");
    Ok(())
}

/// Checks that every kind of read shows the same value of `k`.
async fn reads_agree<S: Store>(store: &S, expected: &'static str) -> CaseResult {
    let expected = Some(Bytes::from(expected));
    ensure_eq!(
        value(store, "k").await?,
        expected,
        "the value that get shows"
    );
    let many = store.get_many(&["k".into()]).await?;
    let many: Vec<_> = many.into_iter().flatten().map(Entry::into_value).collect();
    ensure_eq!(
        many.first().cloned(),
        expected,
        "the value that get_many shows"
    );
    let page = store
        .scan_with(&KeyRange::all(), &ScanOptions::new())
        .await?;
    let scanned = page.items.into_iter().find(|item| item.key == "k");
    ensure_eq!(
        scanned.map(|item| item.entry.into_value()),
        expected,
        "the value that a scan shows"
    );
    Ok(())
}

async fn value<R: Read>(reader: &R, key: &str) -> CaseResult<Option<Bytes>> {
    Ok(reader.get(key).await?.map(Entry::into_value))
}
