//! Exporting to a directory tree.
//!
//! The keys are read twice: first to find those that cannot be files, before
//! anything is written, then with their values.

use std::path::Path;

use storage::{Count, prelude::*};

use super::{
    Existing,
    conflicts::Conflicts,
    path::{self, KeyPath},
    target::Target,
};
use crate::{
    failure::{Failure, Result},
    interrupts, notation,
    own_files::{self, OwnFiles},
    progress::Progress,
    units,
};

/// `PATH_MAX` of Linux, without the slash before the key and the zero at the end.
const PATH_BYTES_MAX: usize = 4_096 - 2;

pub(super) async fn export<R: Read>(
    source: &R,
    directory: &Path,
    existing: Existing,
    own_files: &OwnFiles,
) -> Result<Count> {
    Target::check(directory, existing)?;
    let entries = check_entries(source, directory, own_files).await?;
    let mut target = Target::prepare(directory)?;
    let progress = Progress::of_entries("exporting", entries);
    let mut exported = Count::default();
    let mut expiring = 0;
    let mut scan = source.scan(KeyRange::all(), ScanOptions::new());
    while let Some(item) = scan.next().await? {
        interrupts::check()?;
        match KeyPath::of(&item.key)? {
            KeyPath::File(path) => target.write_file(&path, item.entry.value())?,
            KeyPath::EmptyDirectory(path) if item.entry.value().is_empty() => {
                target.make_directory(&path)?;
            }
            KeyPath::EmptyDirectory(_) => return Err(directory_with_value(&item.key)),
        }
        exported.entries += 1;
        exported.bytes += u64::try_from(item.size_bytes()).unwrap_or(u64::MAX);
        expiring += u64::from(item.entry.expires().is_some());
        progress.add(1);
    }
    target.finish()?;
    if expiring > 0 {
        let expiring = units::entries(expiring);
        progress.note(&format!(
            "{expiring} will expire in the store; files do not"
        ));
    }
    Ok(exported)
}

/// Checks that every entry can be a file, and all of them together; answers how
/// many there are.
async fn check_entries<R: Read>(source: &R, directory: &Path, own_files: &OwnFiles) -> Result<u64> {
    let root = own_files::resolved(directory);
    let progress = Progress::of_unknown("looking");
    let mut conflicts = Conflicts::default();
    let mut entries = 0;
    let mut scan = source.scan(KeyRange::all(), ScanOptions::new().keys_only());
    while let Some(item) = scan.next().await? {
        interrupts::check()?;
        match KeyPath::of(&item.key)? {
            KeyPath::File(path) | KeyPath::EmptyDirectory(path)
                if own_files.hold(&root.join(&path)) =>
            {
                let complaint = "would lie in the directory of the store itself";
                return Err(path::unfit(&item.key, complaint));
            }
            KeyPath::File(_) => {}
            KeyPath::EmptyDirectory(_) => {
                let entry = source.get(&item.key).await?;
                if entry.is_some_and(|entry| !entry.value().is_empty()) {
                    return Err(directory_with_value(&item.key));
                }
            }
        }
        if root.as_os_str().len() + item.key.len() > PATH_BYTES_MAX {
            return Err(path::unfit(&item.key, "is longer than a path can be"));
        }
        conflicts.note(&item.key).map_err(|parent| {
            let parent = notation::escaped(&parent);
            path::unfit(&item.key, &format!("lies below the key `{parent}`"))
        })?;
        entries += 1;
        progress.add(u64::try_from(item.key.len()).unwrap_or(u64::MAX));
    }
    Ok(entries)
}

fn directory_with_value(key: &[u8]) -> Failure {
    path::unfit(key, "ends in a slash and has a value")
}
