//! A seal over the database, written by a clean close.
//!
//! A row tells by its checksum that it is damaged, but a damaged page may keep
//! a read from finding a row at all. While the seal is there, the file must be
//! what the close left behind. Where it is not, somebody changed it, perhaps
//! rightly, with the `sqlite3` shell; then everything is looked at before the
//! store opens. Large databases are left unsealed, because to compare one takes
//! as long as to read it. `docs/formats/sqlite.md` describes the file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use storage_core::{Error, FileContent, Result, durable};

const SEAL_FILE: &str = "SEAL";

/// Length and checksum of the database, and the checksum of the two.
const BYTES: usize = 16;

/// What the last close tells of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastClose {
    /// Nothing: the process died, or the database is large.
    Unsealed,
    /// It is what the close left behind.
    Sealed,
    /// It is not.
    Changed,
}

/// Compares the database at `database` with the seal of the store in
/// `directory`.
///
/// # Errors
/// From the operating system.
pub(crate) fn compare(directory: &Path, database: &Path) -> Result<LastClose> {
    let path = directory.join(SEAL_FILE);
    let read = || match fs::read(&path) {
        Ok(seal) => match FileContent::of(database) {
            Ok(content) if encode(content) == *seal => Ok(LastClose::Sealed),
            Ok(_) => Ok(LastClose::Changed),
            // Whoever opens it says what that means.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(LastClose::Changed),
            Err(error) => Err(error),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(LastClose::Unsealed),
        Err(error) => Err(error),
    };
    read().map_err(|error| Error::io("comparing the database with its seal", error))
}

/// Breaks the seal, if there is one: the database is about to change.
///
/// # Errors
/// From the operating system.
pub(crate) fn break_seal(directory: &Path) -> Result<()> {
    let broken = match fs::remove_file(directory.join(SEAL_FILE)) {
        Ok(()) => durable::sync_directory(directory),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    broken.map_err(|error| Error::io("breaking the seal of the database", error))
}

/// Seals the database when it is dropped, which must be after SQLite has closed
/// it.
#[derive(Debug)]
pub(crate) struct Seal {
    pub(crate) directory: PathBuf,
    pub(crate) database: PathBuf,
    pub(crate) log: PathBuf,
    /// The largest database to seal, in bytes.
    pub(crate) bytes_max: u64,
}

impl Seal {
    fn write(&self) -> io::Result<()> {
        // A log that is left says that the close was no clean one.
        let is_clean = !self.log.try_exists()?;
        if !is_clean || fs::metadata(&self.database)?.len() > self.bytes_max {
            return Ok(());
        }
        let seal = encode(FileContent::of(&self.database)?);
        durable::replace_file(self.directory.join(SEAL_FILE), &seal)
    }
}

impl Drop for Seal {
    fn drop(&mut self) {
        // Without a seal the next open compares nothing.
        let _ = self.write();
    }
}

/// What a seal says of a database: its own checksum comes last.
fn encode(content: FileContent) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let (content_bytes, own) = bytes.split_at_mut(BYTES - size_of::<u32>());
    let (length, checksum) = content_bytes.split_at_mut(size_of::<u64>());
    length.copy_from_slice(&content.length.to_be_bytes());
    checksum.copy_from_slice(&content.checksum.to_be_bytes());
    own.copy_from_slice(&crc32fast::hash(content_bytes).to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_the_documented_one() {
        let bytes = encode(FileContent {
            length: 0x0102,
            checksum: 0x0304_0506,
        });
        assert_eq!(bytes[..12], [0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(bytes[12..], crc32fast::hash(&bytes[..12]).to_be_bytes());
    }

    #[test]
    fn a_seal_is_of_a_small_database_that_was_closed_cleanly() {
        let place = tempfile::tempdir().unwrap();
        let at = |name| place.path().join(name);
        let seal = |bytes_max| Seal {
            directory: place.path().to_owned(),
            database: at("database"),
            log: at("log"),
            bytes_max,
        };
        let compare = || compare(place.path(), &at("database")).unwrap();
        fs::write(at("database"), [7; 100]).unwrap();
        drop(seal(99));
        assert_eq!(compare(), LastClose::Unsealed);
        fs::write(at("log"), "").unwrap();
        drop(seal(100));
        assert_eq!(compare(), LastClose::Unsealed);
        fs::remove_file(at("log")).unwrap();
        drop(seal(100));
        assert_eq!(compare(), LastClose::Sealed);
        fs::write(at("database"), [8; 100]).unwrap();
        assert_eq!(compare(), LastClose::Changed);
        break_seal(place.path()).unwrap();
        assert_eq!(compare(), LastClose::Unsealed);
    }
}
