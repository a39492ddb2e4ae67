//! Stores that earlier versions made, which every later version must open.
//!
//! They are in the directories below `tests/golden/` of the engine's crate. With
//! `STORAGE_MAKE_GOLDEN` set, the case first makes the one of this version's
//! format.

use std::{
    env,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use storage_core::{Store, StoreDirectory};

use super::compact_unless;
use crate::{
    CaseResult, Failure,
    failure::ensure,
    on_disk::{
        OnDisk, Scene, close,
        golden_content::{begin, check, finish},
        tree::{self, Tree},
    },
};

const MAKE_VARIABLE: &str = "STORAGE_MAKE_GOLDEN";

/// What a repository may well hold for good.
const SIZE_BYTES_MAX: u64 = 1 << 20;

/// Every golden store opens, holds exactly what it was made with, and takes
/// more. There is one for the present format.
pub async fn golden_stores_open_and_hold_what_they_held<S: OnDisk>(scene: &Scene<S>) -> CaseResult {
    let golden = scene.site.golden();
    if env::var_os(MAKE_VARIABLE).is_some() {
        make(scene, &golden).await?;
    }
    let mut versions = Vec::new();
    for store in stores(&golden)? {
        let found = StoreDirectory::inspect(&store)?;
        versions.extend(found.map(|found| found.version));
        let before = Tree::of(&store)?;
        holds(scene, &store)
            .await
            .map_err(|failure| failure.within(store.display()))?;
        ensure!(
            Tree::of(&store)? == before,
            "{} was changed",
            store.display()
        );
    }
    ensure!(
        versions.contains(&S::FORMAT_VERSION),
        "{} holds no store of format {}: run this test once with {MAKE_VARIABLE}=1, and commit what it makes",
        golden.display(),
        S::FORMAT_VERSION
    );
    Ok(())
}

async fn holds<S: OnDisk>(scene: &Scene<S>, golden: &Path) -> CaseResult {
    let path = scene.path("copy");
    tree::copy(golden, &path)?;
    for directory in empty_directories(golden)? {
        fs::create_dir_all(path.join(directory))?;
    }
    let store = scene.open(&path).await?;
    check(&store).await?;
    let report = store.check().await?;
    ensure!(report.damages.is_empty(), "it has damages: {report:?}");
    finish(&store).await?;
    close(store).await?;
    let store = scene.open(&path).await?;
    check(&store).await?;
    close(store).await
}

/// Makes the golden store of the present format.
async fn make<S: OnDisk>(scene: &Scene<S>, golden: &Path) -> CaseResult {
    let target = golden.join(format!("v{}", S::FORMAT_VERSION));
    ensure!(
        !target.exists(),
        "{} is there already, and a released format never changes; if this one was never released, \
         remove the directory first",
        target.display()
    );
    let path = scene.path("made");
    let store = scene.open(&path).await?;
    begin(&store).await?;
    compact_unless(&[], &store).await?;
    finish(&store).await?;
    close(store).await?;
    // An engine may tidy up what it finds after the first close.
    close(scene.open(&path).await?).await?;
    let size_bytes = size_bytes(&path)?;
    ensure!(
        size_bytes <= SIZE_BYTES_MAX,
        "the store has {size_bytes} bytes, which is more than a repository should keep; open it with \
         smaller settings"
    );
    tree::copy(&path, &target)?;
    let empty = empty(&path)?;
    if !empty.is_empty() {
        let mut list = File::create(list_of_empty(&target))?;
        for directory in empty {
            writeln!(list, "{}", directory.display())?;
        }
    }
    Ok(())
}

/// The golden stores there are.
fn stores(golden: &Path) -> CaseResult<Vec<PathBuf>> {
    if !golden.exists() {
        return Ok(Vec::new());
    }
    let mut stores = Vec::new();
    for entry in fs::read_dir(golden)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            stores.push(entry.path());
        }
    }
    stores.sort();
    Ok(stores)
}

/// The file that lists the empty directories of a golden store, which Git does
/// not keep: one path a line, beside the store. Where there are none, there is
/// no list.
fn list_of_empty(golden: &Path) -> PathBuf {
    golden.with_extension("empty")
}

fn empty_directories(golden: &Path) -> CaseResult<Vec<PathBuf>> {
    let list = list_of_empty(golden);
    match fs::read_to_string(&list) {
        Ok(text) => Ok(text.lines().map(PathBuf::from).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Failure::from(error).within(list.display())),
    }
}

/// The empty directories of a store, by their paths below it.
fn empty(store: &Path) -> io::Result<Vec<PathBuf>> {
    let mut empty = Vec::new();
    for path in tree::all_below(store)? {
        if path.is_dir() && fs::read_dir(&path)?.next().is_none() {
            empty.push(path.strip_prefix(store).unwrap_or(&path).to_owned());
        }
    }
    Ok(empty)
}

fn size_bytes(store: &Path) -> io::Result<u64> {
    let lengths = tree::files(store)?.into_iter();
    lengths.map(|file| Ok(fs::metadata(file)?.len())).sum()
}
