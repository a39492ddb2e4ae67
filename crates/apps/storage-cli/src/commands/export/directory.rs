//! Exporting to a directory tree.
//!
//! The keys are read twice: first to find those that cannot be files, before
//! anything is written, then with their values.

use std::path::Path;

use storage::prelude::*;

use super::{
    Existing,
    conflicts::Conflicts,
    path::{self, KeyPath},
    target::Target,
};
use crate::{batches::Loaded, failure::Result, notation, progress::Progress, units};

pub(super) async fn export<R: Read>(
    source: &R,
    directory: &Path,
    existing: Existing,
) -> Result<Loaded> {
    let entries = check_keys(source).await?;
    let mut target = Target::prepare(directory, existing)?;
    let progress = Progress::of_entries("exporting", entries);
    let mut exported = Loaded::default();
    let mut expiring = 0;
    let mut scan = source.scan(KeyRange::all(), ScanOptions::new());
    while let Some(item) = scan.next().await? {
        match KeyPath::of(&item.key)? {
            KeyPath::File(path) => target.write_file(&path, &item.entry.value)?,
            KeyPath::EmptyDirectory(path) if item.entry.value.is_empty() => {
                target.make_directory(&path)?;
            }
            KeyPath::EmptyDirectory(_) => {
                return Err(path::unfit(&item.key, "ends in a slash and has a value"));
            }
        }
        exported.entries += 1;
        exported.bytes += u64::try_from(item.size_bytes()).unwrap_or(u64::MAX);
        expiring += u64::from(item.entry.expires.is_some());
        progress.add(1);
    }
    if expiring > 0 {
        let expiring = units::entries(expiring);
        progress.note(&format!(
            "{expiring} will expire in the store; files do not"
        ));
    }
    Ok(exported)
}

/// Checks that every key can be a file, and all of them together; answers how
/// many there are.
async fn check_keys<R: Read>(source: &R) -> Result<u64> {
    let progress = Progress::of_unknown("looking");
    let mut conflicts = Conflicts::default();
    let mut entries = 0;
    let mut scan = source.scan(KeyRange::all(), ScanOptions::new().keys_only());
    while let Some(item) = scan.next().await? {
        KeyPath::of(&item.key)?;
        conflicts.note(&item.key).map_err(|parent| {
            let parent = notation::escaped(&parent);
            path::unfit(&item.key, &format!("lies below the key `{parent}`"))
        })?;
        entries += 1;
        progress.add(u64::try_from(item.key.len()).unwrap_or(u64::MAX));
    }
    Ok(entries)
}
