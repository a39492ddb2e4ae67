//! Looking at the directory of a store without claiming it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    DATA, DATA_NEW, FORMAT_FILE, StoreDirectory, lock::LOCK_FILE, read_format, refuse_foreign,
};
use crate::{Error, ErrorKind, Result};

/// A store in a directory, as its format file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundStore {
    /// The engine whose store it is.
    pub engine: String,
    /// The version of the engine's format.
    pub version: u32,
    /// The file that whoever has the store open holds an exclusive lock on.
    /// Whether somebody does is not tried: that would take the lock for a
    /// moment, and who opens the store just then would be refused.
    pub lock: PathBuf,
}

impl StoreDirectory {
    /// What is at `path`; `None` where a store would be made, because nothing is
    /// there or a creation was cut off. Changes nothing, and disturbs nobody who
    /// opens the store meanwhile.
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
        Ok(Some(FoundStore {
            engine,
            version,
            lock: path.join(LOCK_FILE),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

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
        assert_eq!(found.lock, path.join("LOCK"));
        drop(claimed);
        assert_eq!(StoreDirectory::inspect(&path).unwrap(), Some(found));
        fs::remove_dir(path.join("data")).unwrap();
        let error = StoreDirectory::inspect(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        fs::write(path.join("STORAGE"), "storage").unwrap();
        let error = StoreDirectory::inspect(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn whoever_opens_a_store_while_it_is_inspected_is_not_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("store");
        let claim = || StoreDirectory::claim(&path, "test", 7, |_| Ok(()));
        drop(claim().unwrap());
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    StoreDirectory::inspect(&path).unwrap();
                }
            });
            let refused = (0..2_000).filter(|_| claim().is_err()).count();
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(refused, 0);
        });
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
