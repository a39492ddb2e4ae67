//! Calls that hang below.

use std::{pin::pin, time::Duration};

use storage_core::{Entry, ErrorKind, KeyRange, Outcome, ReadExt, ScanOptions, Store, StoreExt};

use super::until_held;
use crate::{
    CaseResult, Failure,
    failure::{ensure, ensure_eq},
    faulty::{Call, Fault, Gate, Rule},
    fixture::refused,
    survival::Scene,
};

/// A commit that stalls, and whose future is dropped, keeps nobody from reading
/// or writing, and is made in the end.
pub async fn a_dropped_commit_that_stalls_is_made_and_blocks_nobody<S: Store>(
    scene: &Scene<S>,
) -> CaseResult {
    let store = &scene.store;
    store.put("stalled", "before").await?;
    let gate = scene.stall(Call::Commit)?;
    {
        let mut stalled = pin!(store.put("stalled", "after"));
        let held = until_held(stalled.as_mut(), &gate);
        if Scene::<S>::soon("a commit reaches the store below", held)
            .await?
            .is_some()
        {
            return Err(Failure::new("a commit was answered while it stalled below"));
        }
        others_go_on(store, "while a commit stalls").await?;
    }
    others_go_on(store, "after the commit that stalls was dropped").await?;
    gate.open();
    scene.recover().await?;
    let made = async {
        while store
            .get("stalled")
            .await?
            .is_none_or(|entry| entry.value() != "after")
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    };
    Scene::<S>::soon("a dropped commit that stalled is made", made).await?
}

/// A read that stalls delays no other read and no commit, and is answered when
/// it goes on. Dropped, it disturbs nobody.
pub async fn a_stalled_read_delays_no_other<S: Store>(scene: &Scene<S>) -> CaseResult {
    let store = &scene.store;
    store.put("stalled", "v").await?;
    for call in [Call::Get, Call::Scan] {
        let gate = scene.stall(call)?;
        let (range, options) = (KeyRange::prefix("stalled"), ScanOptions::new());
        let read = async {
            match call {
                Call::Get => Ok(store.exists("stalled").await?),
                _ => Ok(!store.scan_with(&range, &options).await?.items.is_empty()),
            }
        };
        let mut read = pin!(read);
        let held = until_held(read.as_mut(), &gate);
        let early = Scene::<S>::soon("a read reaches the store below", held).await?;
        others_go_on(store, "while a read stalls").await?;
        gate.open();
        let found: CaseResult<bool> = match early {
            Some(found) => found,
            None => Scene::<S>::soon("a read that stalled is answered", read).await?,
        };
        ensure!(found?, "a read that stalled does not find its key");

        let gate = scene.stall(Call::Get)?;
        let early = {
            let mut read = pin!(store.get("stalled"));
            let held = until_held(read.as_mut(), &gate);
            Scene::<S>::soon("a read reaches the store below", held).await?
        };
        if early.is_some() {
            // The layer held the answer: what stalls would be somebody else's read.
            scene.recover().await?;
        }
        others_go_on(store, "after a read that stalls was dropped").await?;
        scene.recover().await?;
    }
    Ok(())
}

/// Closing while a commit stalls ends once the commit goes on. The commit is
/// answered, or refused as not applied, and everything after it as closed.
pub async fn closing_finishes_a_stalled_commit<S: Store>(scene: &Scene<S>) -> CaseResult {
    let store = &scene.store;
    let gate = scene.stall(Call::Commit)?;
    let mut stalled = pin!(store.put("k", "v"));
    let held = until_held(stalled.as_mut(), &gate);
    let early = Scene::<S>::soon("a commit reaches the store below", held).await?;
    let mut closing = pin!(store.close());
    let begun = tokio::time::timeout(Duration::from_millis(20), closing.as_mut()).await;
    gate.open();
    match begun {
        Ok(closed) => closed?,
        Err(_) => Scene::<S>::soon("closing ends after the stall", closing).await??,
    }
    let answer = match early {
        Some(answer) => answer,
        None => Scene::<S>::soon("a commit that stalled is answered", stalled).await?,
    };
    if let Err(error) = answer {
        let error = refused::<()>(Err(error), ErrorKind::Closed)?;
        ensure_eq!(
            error.outcome(),
            Some(Outcome::NotApplied),
            "the outcome of: {error}"
        );
    }
    refused(store.get("k").await, ErrorKind::Closed)?;
    refused(scene.below.get("k").await, ErrorKind::Closed)?;
    Ok(())
}

/// An answer that comes late is the answer of its own call.
pub async fn a_late_answer_is_the_right_one<S: Store>(scene: &Scene<S>) -> CaseResult {
    let store = &scene.store;
    store.put("a", "1").await?;
    store.put("b", "2").await?;
    let gate = Gate::new();
    let slow = Fault::hold_answer(&gate);
    scene.faults.inject(Rule::on(Call::Get).nth(1), slow)?;
    let mut first = pin!(store.get("a"));
    let held = until_held(first.as_mut(), &gate);
    let early = Scene::<S>::soon("a read reaches the store below", held).await?;
    let second = Scene::<S>::soon("another read", store.get("b")).await??;
    ensure_eq!(
        second.map(Entry::into_value),
        Some("2".into()),
        "the value of the other"
    );
    store.put("a", "3").await?;
    gate.open();
    let late = match early {
        Some(answer) => answer?,
        None => Scene::<S>::soon("the late answer", first).await??,
    };
    let late = late.map(Entry::into_value);
    ensure!(
        late == Some("1".into()) || late == Some("3".into()),
        "the value that came late is {late:?}"
    );
    let now = store.get("a").await?.map(Entry::into_value);
    ensure_eq!(now, Some("3".into()), "the value after the late answer");
    Ok(())
}

/// Checks that reads and commits are answered.
async fn others_go_on<S: Store>(store: &S, when: &str) -> CaseResult {
    let work = async {
        store.put("other", "v").await?;
        ensure!(store.exists("other").await?, "a commit {when} is not seen");
        store
            .scan_with(&KeyRange::prefix("other"), &ScanOptions::new())
            .await?;
        store.delete("other").await?;
        Ok(())
    };
    Scene::<S>::soon(&format!("others, {when}"), work).await?
}
