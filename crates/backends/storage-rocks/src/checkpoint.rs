//! Checkpoints: a store as of one moment, as another store.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use rocksdb::{DB, checkpoint::Checkpoint};
use storage_core::{Error, ErrorKind, Result, StoreDirectory, durable};

use crate::{
    engine::{ENGINE, FORMAT_VERSION},
    error::from_rocks,
    log::mark,
};

/// RocksDB makes the directory of a checkpoint itself, so it is made below the
/// one that the store directory gives.
const STAGED: &str = "checkpoint";

/// Makes a store in `path` of what `db` holds now.
///
/// # Errors
/// `Invalid` where there is a store or something else already.
pub(crate) fn create(db: &DB, path: &Path) -> Result<()> {
    // A checkpoint holds all that was written before it.
    let end = db.latest_sequence_number();
    let mut is_made = false;
    let directory = StoreDirectory::claim(path, ENGINE, FORMAT_VERSION, |new| {
        is_made = true;
        let staged = new.join(STAGED);
        Checkpoint::new(db)
            .and_then(|checkpoint| checkpoint.create_checkpoint(&staged))
            .map_err(from_rocks)?;
        move_up(&staged, new)
            .map_err(|error| Error::io(format!("making a checkpoint in {}", path.display()), error))
    })?;
    if is_made {
        return note_end(&directory, end);
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!(
            "{} is a store already; choose an empty or a new directory for the checkpoint",
            path.display()
        ),
    ))
}

/// Notes, durably, that everything up to the change `end` is there, so that what
/// damage takes from it is missed.
fn note_end(directory: &StoreDirectory, end: u64) -> Result<()> {
    let (watermark, _) = directory.watermark()?;
    watermark.raise(mark(end))?;
    sync_files(directory.path()).map_err(|error| {
        Error::io(
            format!("making a checkpoint in {}", directory.path().display()),
            error,
        )
    })
}

fn sync_files(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            File::open(entry.path())?.sync_all()?;
        }
    }
    durable::sync_directory(directory)
}

/// Moves all files of one directory to the one above it.
fn move_up(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::rename(entry.path(), to.join(entry.file_name()))?;
    }
    fs::remove_dir(from)
}
