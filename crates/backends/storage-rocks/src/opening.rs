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
/// the files are as they were.
pub(crate) fn open(
    options: &Options,
    directory: &StoreDirectory,
    mark: Option<Mark>,
) -> Result<DB> {
    recover(directory, mark)?;
    let mut options = options.clone();
    options.create_if_missing(false);
    open_database(&options, &directory.anchored_data())
}

/// Puts right what a loss of power left, and makes sure that everything is there
/// that was synced.
fn recover(directory: &StoreDirectory, mark: Option<Mark>) -> Result<()> {
    let settled = Settled::of(directory)?;
    let Some(mark) = mark else {
        return Ok(());
    };
    let examined = Examination::open(directory).and_then(|files| files.reaches(mark));
    if examined.is_err() {
        settled.undo(directory)?;
    }
    examined
}

fn open_database(options: &Options, path: &Path) -> Result<DB> {
    let entries = ColumnFamilyDescriptor::new(DEFAULT_COLUMN_FAMILY_NAME, options.clone());
    DB::open_cf_descriptors(options, path, [entries]).map_err(from_rocks)
}
