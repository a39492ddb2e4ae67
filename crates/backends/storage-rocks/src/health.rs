//! What is wrong with a database.

use rocksdb::{DB, WaitForCompactOptions};
use storage_core::{Error, ErrorKind, Health, Result};

use crate::{error::from_rocks, figures::property};

/// Why RocksDB has stopped some or all of its work, if it has.
pub(crate) fn background_error(db: &DB) -> Option<Error> {
    // There is no call for this one alone; a wait for background work answers
    // with it at once, and otherwise gives up after so many microseconds.
    let mut options = WaitForCompactOptions::default();
    options.set_timeout(1);
    let error = db.wait_for_compact(&options).map_err(from_rocks).err()?;
    (error.kind() != ErrorKind::TimedOut).then_some(error)
}

/// Whether writes are slowed down or halted.
pub(crate) fn is_stalling(db: &DB) -> Result<bool> {
    Ok(is_halted(db)? || slowed_to(db)? > 0)
}

/// To how many bytes per second writes are slowed down; zero if they are not.
pub(crate) fn slowed_to(db: &DB) -> Result<u64> {
    property(db, "rocksdb.actual-delayed-write-rate")
}

/// Whether writes are halted.
pub(crate) fn is_halted(db: &DB) -> Result<bool> {
    Ok(property(db, "rocksdb.is-write-stopped")? > 0)
}

/// What RocksDB itself finds wrong.
pub(crate) fn health(db: &DB) -> Result<Health> {
    let mut health = Health::default();
    if let Some(error) = background_error(db) {
        let detail = match error.kind() {
            // They say what to do.
            ErrorKind::Full | ErrorKind::Corrupt => error.message().to_owned(),
            _ => format!(
                "{}; see that the disk is well, then reopen the store",
                error.message()
            ),
        };
        health = health.with("background_error", detail);
    }
    if is_stalling(db)? {
        health = health.with(
            "write_stall",
            "writes come faster than files can be merged; slow down or use a faster disk",
        );
    }
    Ok(health)
}
