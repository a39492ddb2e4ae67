//! Connections that break: cases for stores across a network that look up what became
//! of a commit whose answer is lost. No answer is wrong, and none is late.
//!
//! Each case takes a store whose server is behind a [`Proxy`] without faults, in a
//! runtime of several threads.

use std::{sync::Arc, time::Duration};

use storage_core::{Outcome, ReadExt, Store, StoreExt, WriteBatch};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    CaseResult, Failure,
    failure::{ensure, ensure_eq},
    servers::{Direction, Proxy, ServerResult, blocking},
};

/// What a machine with much to do may add to the time limit of a call.
pub const LATE: Duration = Duration::from_secs(2);

/// For how long bytes are held back: until their connections are cut.
const HELD: Duration = Duration::from_secs(30);

/// How long a commit may take to be done. One that takes longer waits for something
/// else that is held back, such as whether its connection still lives.
const DONE_MAX: Duration = Duration::from_secs(1);

/// A commit whose answer is cut off is found to be applied, and is not done again.
/// `beside` is another handle of the store, with no proxy in between.
pub async fn a_commit_whose_answer_is_cut_off_is_found_to_be_applied<S: Store + Clone>(
    store: &S,
    beside: &S,
    proxy: &Arc<Proxy>,
) -> CaseResult {
    let mut cut_off = 0;
    for round in 0..20_u8 {
        let key = [b'k', round];
        // Connected before, so what is cut off is the answer to the commit.
        store.put("warm", "v").await?;
        proxy.delay(Direction::ToClient, HELD);
        let writing = tokio::spawn({
            let store = store.clone();
            // Done a second time, it would meet itself.
            let batch = WriteBatch::new()
                .absent(key.to_vec())
                .put(key.to_vec(), "v");
            async move { store.commit(batch).await }
        });
        let is_done = timeout(DONE_MAX, until_there(beside, &key)).await;
        ensure!(!writing.is_finished(), "the commit has no answer yet");
        break_connections(proxy).await?;
        let committed = writing.await?;
        if let Ok(seen) = is_done {
            seen?;
            ensure_eq!(committed?.sequence, store.sequence(), "the sequence");
            ensure!(store.exists(&key).await?, "the entry is there");
            cut_off += 1;
        }
        if cut_off == 5 {
            return Ok(());
        }
    }
    Err(Failure::new("the machine is too slow for this case"))
}

/// Waits until the entry is there.
async fn until_there<S: Store>(store: &S, key: &[u8]) -> CaseResult {
    while !store.exists(key).await? {
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// A commit that was cut off on its way is either done anew, or not applied.
pub async fn a_commit_that_never_arrives_is_found_not_to_be_applied_or_done_anew<
    S: Store + Clone,
>(
    store: &S,
    proxy: &Arc<Proxy>,
) -> CaseResult {
    for round in 0..5_u8 {
        let key = [b'k', round];
        store.put("warm", "v").await?;
        // It is on its way when the connection breaks.
        proxy.delay(Direction::ToServer, HELD);
        let writing = tokio::spawn({
            let store = store.clone();
            async move { store.put(&key, "v").await }
        });
        sleep(Duration::from_millis(100)).await;
        ensure!(!writing.is_finished(), "the commit has no answer yet");
        break_connections(proxy).await?;
        let written = writing.await?;
        let is_there = store.exists(&key).await?;
        if let Err(error) = &written {
            let outcome = error.outcome();
            ensure_eq!(outcome, Some(Outcome::NotApplied), "what is said: {error}");
        }
        ensure_eq!(is_there, written.is_ok(), "whether the entry is there");
    }
    Ok(())
}

/// With a network that goes silent, each call ends in `limit`, the store's own, with a
/// true outcome; and the store goes on afterwards.
pub async fn a_network_that_goes_silent_keeps_no_call_beyond_its_time<S: Store + Clone>(
    store: &S,
    proxy: &Arc<Proxy>,
    limit: Duration,
) -> CaseResult {
    store.put("before", "v").await?;
    proxy.swallow();
    let begun = Instant::now();
    let Err(error) = store.put("k", "v").await else {
        return Err(Failure::new("a put succeeded without a network"));
    };
    ensure_eq!(
        error.outcome(),
        Some(Outcome::Unknown),
        "what is said: {error}"
    );
    ensure_in_time(begun, limit)?;
    let begun = Instant::now();
    ensure!(store.get("before").await.is_err(), "a read fails");
    ensure_in_time(begun, limit)?;
    // Now connections cannot be made, so nothing is sent.
    let begun = Instant::now();
    let Err(error) = store.put("l", "v").await else {
        return Err(Failure::new("a put succeeded without a network"));
    };
    ensure_eq!(
        error.outcome(),
        Some(Outcome::NotApplied),
        "what is said: {error}"
    );
    ensure_in_time(begun, limit)?;
    at(proxy, Proxy::heal).await?;
    ensure!(store.exists("before").await?, "the entry is there");
    store.put("after", "v").await?;
    ensure!(
        !store.exists("l").await?,
        "what was not applied is not there"
    );
    Ok(())
}

/// Cuts all connections, and ends the faults of those to come.
async fn break_connections(proxy: &Arc<Proxy>) -> CaseResult {
    at(proxy, Proxy::cut).await?;
    at(proxy, Proxy::heal).await
}

/// Does with a proxy what blocks.
async fn at(proxy: &Arc<Proxy>, work: fn(&Proxy) -> ServerResult) -> CaseResult {
    let proxy = Arc::clone(proxy);
    let done = blocking(move || work(&proxy)).await;
    done.map_err(|error| Failure::new(format!("the proxy failed: {error}")))
}

#[track_caller]
fn ensure_in_time(begun: Instant, limit: Duration) -> CaseResult {
    let took = begun.elapsed();
    ensure!(took < limit + LATE, "the call took {took:?}");
    Ok(())
}
