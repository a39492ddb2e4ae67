//! Merging files, and checking them.

use rocksdb::{BottommostLevelCompaction, CompactOptions, DB};
use storage_core::{
    CheckReport, Damage, ErrorKind, KeyRange, MaintenanceReport, Result, StoreDirectory,
};

use crate::{
    BlobConfig,
    bounds::half_open,
    error::from_rocks,
    examination::Examination,
    figures::{Files, property},
    health::background_error,
    log::Log,
};

/// Merges what lies in `range`, or everything.
pub(crate) fn compact(
    db: &DB,
    directory: &StoreDirectory,
    blobs: Option<&BlobConfig>,
    range: Option<&KeyRange>,
) -> Result<MaintenanceReport> {
    if range.is_some_and(KeyRange::is_empty) {
        return Ok(MaintenanceReport::default());
    }
    let before = Files::of(db, directory)?.total();
    let (start, end) = range.map(half_open).unzip();
    let mut options = CompactOptions::default();
    // The last level too: it may hold what was deleted while a snapshot could
    // see it, and blocks compressed as other settings had it.
    options.set_bottommost_level_compaction(BottommostLevelCompaction::ForceOptimized);
    while_clearing_blobs(db, blobs, || db.compact_range_opt(start, end, &options))?;
    // The call itself does not say whether it went well.
    if let Some(error) = background_error(db) {
        return Err(error);
    }
    Ok(MaintenanceReport::of_disk_bytes(
        before,
        Files::of(db, directory)?.total(),
    ))
}

/// Calls `merge` while merges clear all blob files of deleted values, and not
/// the oldest alone.
fn while_clearing_blobs(db: &DB, blobs: Option<&BlobConfig>, merge: impl FnOnce()) -> Result<()> {
    if property(db, "rocksdb.num-blob-files")? == 0 {
        merge();
        return Ok(());
    }
    clear_blobs(db, 100)?;
    merge();
    clear_blobs(db, blobs.map_or(0, |blobs| blobs.collected_percent))
}

/// From now on, merges clear so many of a hundred blob files.
fn clear_blobs(db: &DB, percent: u8) -> Result<()> {
    let is_on = (percent > 0).to_string();
    let share = (f64::from(percent) / 100.0).to_string();
    db.set_options(&[
        ("enable_blob_garbage_collection", &is_on),
        ("blob_garbage_collection_age_cutoff", &share),
    ])
    .map_err(from_rocks)
}

/// Reads all files from the disk, past the cache, and tells which are damaged.
pub(crate) fn check(db: &DB, log: &Log, directory: &StoreDirectory) -> Result<CheckReport> {
    // Whatever is merged meanwhile, what is to be read stays.
    let _kept = KeptFiles::of(db)?;
    let written = log.written();
    let mut report = CheckReport::default();
    let examined = Examination::open(directory).and_then(|files| {
        files.reaches(written)?;
        files.damages()
    });
    match examined {
        Ok(damages) => report.damages = damages,
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            let place = directory.data().display().to_string();
            report.damages.push(Damage::new(place, error.message()));
        }
        Err(error) => return Err(error),
    }
    Ok(report)
}

/// Keeps RocksDB from removing files.
struct KeptFiles<'a>(&'a DB);

impl<'a> KeptFiles<'a> {
    fn of(db: &'a DB) -> Result<Self> {
        db.disable_file_deletions().map_err(from_rocks)?;
        Ok(Self(db))
    }
}

impl Drop for KeptFiles<'_> {
    fn drop(&mut self) {
        // Fails only where files that could be removed cannot be listed.
        let _ = self.0.enable_file_deletions();
    }
}
