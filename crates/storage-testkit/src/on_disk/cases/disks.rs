//! Disks that are full, or that this process may not write to.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use storage_core::{Durability, ErrorKind, Store};

use super::{compact_unless, noise};
use crate::{
    CaseResult, Failure,
    failure::ensure,
    fixture::refused,
    on_disk::{
        OnDisk, Scene, close,
        disk::{Access, Disk},
        enclosure::Enclosure,
        ledger::{Ledger, unless},
        tree,
    },
};

/// What a commit may say that a full disk refuses, and the commits after it.
const REFUSED: [ErrorKind; 2] = [ErrorKind::Full, ErrorKind::Poisoned];

/// A disk fills with what no engine can make smaller, so that the commits
/// themselves find no room.
pub async fn a_disk_full_of_noise_loses_nothing_that_was_acknowledged<S: OnDisk>(
    scene: &Scene<S>,
) -> CaseResult {
    fill_disks(scene, |number| noise(number, 100_000)).await
}

/// A disk fills with what compresses well, so that an engine may find out only
/// when it writes its buffers in the background.
pub async fn a_disk_full_of_what_compresses_loses_nothing_that_was_acknowledged<S: OnDisk>(
    scene: &Scene<S>,
) -> CaseResult {
    fill_disks(scene, |number| {
        let mut value = vec![7; 250_000];
        value.splice(..8, number.to_be_bytes());
        value
    })
    .await
}

/// When there is room again the store may still be open, or be closed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RoomComes {
    BeforeTheClose,
    AfterTheClose,
}

async fn fill_disks<S: OnDisk>(scene: &Scene<S>, value: impl Fn(u64) -> Vec<u8>) -> CaseResult {
    if !scene.is_inside(Enclosure::Mounts)? {
        return Ok(());
    }
    for room_comes in [RoomComes::BeforeTheClose, RoomComes::AfterTheClose] {
        fill_disk(scene, room_comes, &value)
            .await
            .map_err(|failure| failure.within(format!("{room_comes:?}")))?;
    }
    Ok(())
}

async fn fill_disk<S: OnDisk>(
    scene: &Scene<S>,
    room_comes: RoomComes,
    value: impl Fn(u64) -> Vec<u8>,
) -> CaseResult {
    let place = scene.path(&format!("{room_comes:?}"));
    let path = place.join("store");
    let disk = Disk::mount(place, S::DISK_BYTES)?;
    let mut ledger = scene.make(&path).await?;
    let store = scene.open(&path).await?;
    write_until_refused(&store, &mut ledger, value).await?;
    for number in 0..10_u8 {
        put(&store, &mut ledger, &[b'f', number], b"while full").await?;
    }
    compact_unless(&REFUSED, &store).await?;
    ledger.check_unless(&store, &REFUSED).await?;

    if room_comes == RoomComes::BeforeTheClose {
        disk.resize(S::ROOMY_DISK_BYTES)?;
        put(&store, &mut ledger, b"r", b"with room").await?;
        ledger.check_unless(&store, &REFUSED).await?;
    }
    unless(&REFUSED, store.close().await)?;
    drop(store);
    if room_comes == RoomComes::AfterTheClose {
        // To open it may take more room than there is.
        if let Some(store) = unless(&REFUSED, scene.open(&path).await)? {
            ledger.check_unless(&store, &REFUSED).await?;
            unless(&REFUSED, store.close().await)?;
        }
        disk.resize(S::ROOMY_DISK_BYTES)?;
    }
    scene.holds(&path, &mut ledger).await
}

async fn write_until_refused(
    store: &impl Store,
    ledger: &mut Ledger,
    value: impl Fn(u64) -> Vec<u8>,
) -> CaseResult {
    const COMMITS_MAX: u64 = 20_000;
    let before = ledger.acknowledged();
    for number in 0..COMMITS_MAX {
        let key = [b"n", &number.to_be_bytes()[..]].concat();
        if put(store, ledger, &key, &value(number)).await? == Answer::Refused {
            ensure!(
                ledger.acknowledged() > before,
                "the disk is so small that it takes no commit at all; make DISK_BYTES larger"
            );
            return Ok(());
        }
    }
    Err(Failure::new(format!(
        "{COMMITS_MAX} commits do not fill the disk; make DISK_BYTES smaller"
    )))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Acknowledged,
    Refused,
}

/// Puts an entry that survives the process, or is refused as by a full disk.
async fn put(
    store: &impl Store,
    ledger: &mut Ledger,
    key: &[u8],
    value: &[u8],
) -> CaseResult<Answer> {
    let least = store.capabilities().durability_min;
    let durability = least.max(Durability::Buffered);
    match ledger.put(store, key, value, durability).await? {
        None => Ok(Answer::Acknowledged),
        Some(error) => {
            unless::<()>(&REFUSED, Err(error))?;
            Ok(Answer::Refused)
        }
    }
}

/// A disk that has no room for a new store is `Full`. Once it has, the store is
/// made.
pub async fn a_disk_without_room_for_a_new_store_is_full<S: OnDisk>(
    scene: &Scene<S>,
) -> CaseResult {
    if !scene.is_inside(Enclosure::Mounts)? {
        return Ok(());
    }
    let disk = Disk::mount(scene.path("disk"), S::DISK_BYTES)?;
    let filler = scene.path("disk/filler");
    disk.fill(&filler)?;
    let path = scene.path("disk/store");
    refused(scene.open(&path).await, ErrorKind::Full)?;
    fs::remove_file(filler)?;
    let mut ledger = scene.make(&path).await?;
    scene.holds(&path, &mut ledger).await
}

/// A disk that may only be read is `Denied`, as long as it is so.
pub async fn a_read_only_disk_is_denied<S: OnDisk>(scene: &Scene<S>) -> CaseResult {
    if !scene.is_inside(Enclosure::Mounts)? {
        return Ok(());
    }
    let disk = Disk::mount(scene.path("disk"), S::ROOMY_DISK_BYTES)?;
    let path = scene.path("disk/store");
    let mut ledger = scene.make(&path).await?;
    disk.allow(Access::Read)?;
    scene.refuses(&path, ErrorKind::Denied).await?;
    let new = scene.path("disk/new");
    scene.refuses(&new, ErrorKind::Denied).await?;
    disk.allow(Access::ReadAndWrite)?;
    scene.holds(&path, &mut ledger).await
}

/// A store any file or directory of which this user has no right to is `Denied`,
/// unless it can do without. With the right back, it is whole.
pub async fn files_without_permissions_are_denied<S: OnDisk>(scene: &Scene<S>) -> CaseResult {
    if !scene.is_inside(Enclosure::Unprivileged)? {
        return Ok(());
    }
    let path = scene.path("store");
    let mut ledger = scene.make(&path).await?;
    scene.holds(&path, &mut ledger).await?;
    let needed = [
        path.clone(),
        path.join("LOCK"),
        path.join("STORAGE"),
        path.join("data"),
    ];
    for name in tree::all_below(&path)? {
        // An engine may have replaced it when the store was last closed.
        if !name.exists() {
            continue;
        }
        let opened = without_permissions(&name, scene.open(&path)).await?;
        let shown = name.strip_prefix(&path).unwrap_or(&name).display();
        let checked = async {
            if let Some(store) = unless(&[ErrorKind::Denied], opened)? {
                ensure!(!needed.contains(&name), "the store opens without it");
                ledger.check(&store).await?;
                close(store).await?;
            }
            scene.holds(&path, &mut ledger).await
        };
        checked
            .await
            .map_err(|failure| failure.within(format!("without the right to \"{shown}\"")))?;
    }
    let closed = scene.path("closed");
    fs::create_dir(&closed)?;
    let opened = without_permissions(&closed, scene.open(&closed.join("new"))).await?;
    ensure!(
        unless(&[ErrorKind::Denied], opened)?.is_none(),
        "a store is made where this user may make nothing"
    );
    Ok(())
}

/// Does `work` while nobody has any right to `path`.
async fn without_permissions<T>(path: &Path, work: impl Future<Output = T>) -> CaseResult<T> {
    let before = fs::metadata(path)?.permissions();
    fs::set_permissions(path, fs::Permissions::from_mode(0o000))?;
    let done = work.await;
    fs::set_permissions(path, before)?;
    Ok(done)
}
