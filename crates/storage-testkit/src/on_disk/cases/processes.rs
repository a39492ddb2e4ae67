//! One process at a time, and what is left when it dies.

use std::future;

use crate::{
    CaseResult,
    failure::ensure,
    on_disk::{OnDisk, Scene, close, enclosure::Enclosure, ledger::Ledger, tree},
};

/// A store that is open is `Unavailable` for whoever opens it too, until it is
/// closed.
pub async fn a_store_that_is_open_cannot_be_opened_again<S: OnDisk>(
    scene: &Scene<S>,
) -> CaseResult {
    let path = scene.path("store");
    let mut ledger = scene.make(&path).await?;
    let store = scene.open(&path).await?;
    scene.is_in_use(&path).await?;
    scene.is_in_use(&path).await?;
    ledger.must_put(&store, b"still", b"mine").await?;
    close(store).await?;
    scene.holds(&path, &mut ledger).await
}

/// So it is for another process, and the first that dies leaves no lock behind.
pub async fn a_store_that_another_process_has_open_is_refused_until_it_dies<S: OnDisk>(
    scene: &Scene<S>,
) -> CaseResult {
    let path = scene.path("store");
    let mut ledger = Ledger::default();
    if scene.is_enclosed(Enclosure::Process) {
        let store = scene.open(&path).await?;
        ledger.must_put(&store, b"from", b"another process").await?;
        scene.signal("open")?;
        return future::pending().await;
    }
    let mut other = scene.start(Enclosure::Process)?;
    let opened = scene.await_signal("open", &mut other).await;
    let refused = match &opened {
        Ok(()) => scene.is_in_use(&path).await,
        Err(_) => Ok(()),
    };
    let remains = other.kill()?;
    opened.map_err(|failure| failure.within(remains.last_words()))?;
    refused?;

    let store = scene.open(&path).await?;
    ledger.expect(b"from", b"another process");
    ledger.check(&store).await?;
    close(store).await?;
    scene.holds(&path, &mut ledger).await
}

/// What a kill leaves: the files as they are while the store is open and has
/// nothing to do. A store opened on them has everything that was acknowledged
/// with the strongest durability.
pub async fn the_files_of_an_open_store_hold_what_was_synced<S: OnDisk>(
    scene: &Scene<S>,
) -> CaseResult {
    let (live, left) = (scene.path("live"), scene.path("left"));
    let mut ledger = scene.make(&live).await?;
    let store = scene.open(&live).await?;
    for number in 0..40_u8 {
        let value = vec![number; 5_000];
        ledger.must_put(&store, &[b'n', number], &value).await?;
    }
    tree::copy_at_rest(&live, &left).await?;
    let mut left_ledger = ledger.clone();
    scene.holds(&left, &mut left_ledger).await?;
    ensure!(
        ledger.acknowledged() == 45,
        "the copy is a store of its own"
    );
    ledger.check(&store).await?;
    close(store).await
}
