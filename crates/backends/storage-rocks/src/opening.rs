//! Opening RocksDB's files, and recovering what a crash left of them.

use std::path::Path;

use rocksdb::{ColumnFamilyDescriptor, DB, DEFAULT_COLUMN_FAMILY_NAME, Options};
use storage_core::{Mark, Result, StoreDirectory};

use crate::{error::from_rocks, examination::Examination, manifest::Settled};

/// Makes a database in the directory `new`.
pub(crate) fn create(options: &Options, new: &Path) -> Result<()> {
    open_database(options, new).map(drop)
}

/// Opens the database of a store that holds everything up to `mark`.
///
/// # Errors
/// `Corrupt` for damaged files, and where something before the mark is gone: then
/// what lists the files is as it was.
pub(crate) fn open(
    options: &Options,
    directory: &StoreDirectory,
    mark: Option<Mark>,
) -> Result<DB> {
    let settled = Settled::of(directory)?;
    let opened = examine(directory, mark).and_then(|()| {
        let mut options = options.clone();
        options.create_if_missing(false);
        open_database(&options, &directory.anchored_data())
    });
    if opened.is_err() {
        settled.undo(directory)?;
    }
    opened
}

/// Makes sure that everything is there that was synced, before anything more is
/// changed.
fn examine(directory: &StoreDirectory, mark: Option<Mark>) -> Result<()> {
    let files = Examination::open(directory)?;
    mark.map_or(Ok(()), |mark| files.reaches(mark))
}

fn open_database(options: &Options, path: &Path) -> Result<DB> {
    let entries = ColumnFamilyDescriptor::new(DEFAULT_COLUMN_FAMILY_NAME, options.clone());
    DB::open_cf_descriptors(options, path, [entries]).map_err(from_rocks)
}
