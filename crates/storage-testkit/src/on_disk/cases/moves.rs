//! Directories that move, and working directories that change.

use std::{env, fs, path::Path};

use storage_core::{ErrorKind, Store};

use super::{compact_unless, noise};
use crate::{
    CaseResult,
    failure::ensure,
    on_disk::{
        OnDisk, Scene, close,
        enclosure::Enclosure,
        ledger::{Ledger, unless},
        tree::Tree,
    },
};

/// What a store may say whose directory is gone from its path.
const CANNOT: [ErrorKind; 2] = [ErrorKind::Poisoned, ErrorKind::Unavailable];

/// A directory is renamed while its store is open. The store goes on at the new
/// path, or says that it cannot; what it acknowledged is there either way. Nothing
/// is made at the old path.
pub async fn a_directory_moved_while_it_is_open_loses_nothing<S: OnDisk>(
    scene: &Scene<S>,
) -> CaseResult {
    let (old, new) = (scene.path("old"), scene.path("new"));
    let mut ledger = scene.make(&old).await?;
    let store = scene.open(&old).await?;
    ledger.must_put(&store, b"before", b"the move").await?;
    fs::rename(&old, &new)?;
    write_on(&store, &mut ledger, &CANNOT).await?;
    unless(&CANNOT, store.close().await)?;
    drop(store);
    ensure!(!old.exists(), "something was made at the old path");

    let store = scene.open(&new).await?;
    ledger.check(&store).await?;
    close(store).await?;
    scene.holds(&new, &mut ledger).await
}

/// Another store is made at the path that an open one was moved away from, as
/// when a backup is restored in its place. Neither writes into the other.
pub async fn a_store_in_the_place_of_one_that_was_moved_is_left_alone<S: OnDisk>(
    scene: &Scene<S>,
) -> CaseResult {
    let (path, aside) = (scene.path("store"), scene.path("aside"));
    let mut moved_ledger = scene.make(&path).await?;
    let moved = scene.open(&path).await?;
    fs::rename(&path, &aside)?;
    let mut ledger = scene.make(&path).await?;
    let before = Tree::of(&path)?;
    write_on(&moved, &mut moved_ledger, &CANNOT).await?;
    unless(&CANNOT, moved.close().await)?;
    drop(moved);
    ensure!(
        Tree::of(&path)? == before,
        "the store that was moved changed the files of the one in its place"
    );
    scene.holds(&path, &mut ledger).await?;
    let store = scene.open(&aside).await?;
    moved_ledger.check(&store).await?;
    close(store).await
}

/// Writes as much as makes an engine begin new files. The store may say that it
/// is one of `kinds`.
async fn write_on(store: &impl Store, ledger: &mut Ledger, kinds: &[ErrorKind]) -> CaseResult {
    let durability = store.capabilities().durability_max;
    for number in 0..40_u8 {
        let value = noise(u64::from(number), 100_000);
        let key = [b'n', number];
        if let Some(error) = ledger.put(store, &key, &value, durability).await? {
            unless::<()>(kinds, Err(error))?;
        }
    }
    compact_unless(kinds, store).await?;
    ledger.check_unless(store, kinds).await
}

/// A relative path means what it meant when the store was opened, however the
/// working directory of the process changes.
pub async fn a_store_stays_where_it_is_when_the_working_directory_changes<S: OnDisk>(
    scene: &Scene<S>,
) -> CaseResult {
    if !scene.is_inside(Enclosure::Process)? {
        return Ok(());
    }
    let (home, elsewhere) = (scene.path("home"), scene.path("elsewhere"));
    fs::create_dir(&home)?;
    fs::create_dir(&elsewhere)?;
    env::set_current_dir(&home)?;
    let path = Path::new("store");
    let mut ledger = scene.make(path).await?;
    let store = scene.open(path).await?;
    env::set_current_dir(&elsewhere)?;
    write_on(&store, &mut ledger, &[]).await?;
    close(store).await?;
    ensure!(
        fs::read_dir(&elsewhere)?.next().is_none(),
        "something was made in the new working directory"
    );
    scene.holds(&home.join("store"), &mut ledger).await
}
