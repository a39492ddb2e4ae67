//! Looking at the directory of a store without claiming it.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use super::{DATA, DATA_NEW, FORMAT_FILE, LOCK_FILE, StoreDirectory, read_format, refuse_foreign};
use crate::{Error, ErrorKind, Result};

/// A store in a directory, as its format file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundStore {
    /// The engine whose store it is.
    pub engine: String,
    /// The version of the engine's format.
    pub version: u32,
    /// The file whose lock somebody who has the store open holds; `None` if
    /// nobody has.
    pub held: Option<PathBuf>,
}

impl StoreDirectory {
    /// What is at `path`; `None` where a store would be made, because nothing is
    /// there or a creation was cut off. Changes nothing.
    ///
    /// # Errors
    /// `Invalid` for a path that is not a directory, or that holds other files
    /// but no store; `Corrupt` for a damaged format file or missing data;
    /// `Denied` where it cannot be read.
    pub fn inspect(path: impl AsRef<Path>) -> Result<Option<FoundStore>> {
        let path = path.as_ref();
        if fs::symlink_metadata(path)
            .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
        {
            return Ok(None);
        }
        refuse_foreign(path)?;
        if !path.join(FORMAT_FILE).exists() {
            return Ok(None);
        }
        let (engine, version) = read_format(path)?;
        if !path.join(DATA).exists() && !path.join(DATA_NEW).exists() {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "{} is missing; restore the store from a backup",
                    path.join(DATA).display()
                ),
            ));
        }
        let lock = path.join(LOCK_FILE);
        let held = is_held(&lock)?.then_some(lock);
        Ok(Some(FoundStore {
            engine,
            version,
            held,
        }))
    }
}

fn is_held(lock: &Path) -> Result<bool> {
    // Whoever may not read the file learns nothing from its lock.
    let Ok(file) = File::open(lock) else {
        return Ok(false);
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => {
            Err(Error::io(format!("trying {}", lock.display()), error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_described_and_left_alone_whether_somebody_holds_it_or_not() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("store");
        assert_eq!(StoreDirectory::inspect(&path).unwrap(), None);
        assert!(!path.exists());
        let claimed = StoreDirectory::claim(&path, "test", 7, |_| Ok(())).unwrap();
        let found = StoreDirectory::inspect(&path).unwrap().unwrap();
        assert_eq!((&*found.engine, found.version), ("test", 7));
        assert_eq!(found.held, Some(path.join("LOCK")));
        drop(claimed);
        let found = StoreDirectory::inspect(&path).unwrap().unwrap();
        assert_eq!(found.held, None);
        fs::remove_dir(path.join("data")).unwrap();
        let error = StoreDirectory::inspect(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        fs::write(path.join("STORAGE"), "storage").unwrap();
        let error = StoreDirectory::inspect(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn what_is_no_store_is_refused_and_what_may_become_one_is_not() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(StoreDirectory::inspect(place.path()).unwrap(), None);
        fs::write(place.path().join("LOCK"), "").unwrap();
        assert_eq!(StoreDirectory::inspect(place.path()).unwrap(), None);
        let letter = place.path().join("letter");
        fs::write(&letter, "dear").unwrap();
        for path in [place.path(), &letter] {
            let error = StoreDirectory::inspect(path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
        }
    }
}
