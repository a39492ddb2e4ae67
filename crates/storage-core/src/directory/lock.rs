//! The lock that keeps a store to one process at a time.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use crate::{Error, ErrorKind, Result};

pub(super) const LOCK_FILE: &str = "LOCK";

/// A store that is locked until this is dropped.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Locks the store at `path`.
    ///
    /// # Errors
    /// `Unavailable` while somebody else holds it; from the operating system.
    pub(super) fn take(path: &Path) -> Result<Self> {
        let failed = |error| Error::io(format!("locking {}", path.display()), error);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(LOCK_FILE))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "{} is open already, here or in another process; close it there first",
                    path.display()
                ),
            )
            .with_retry_after(Duration::from_secs(1))),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

impl Drop for Lock {
    /// To close the file is not enough: a process that another thread is just
    /// starting holds copies of all files until its own program runs.
    fn drop(&mut self) {
        // Where this fails, the lock ends with the last copy.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_file_does_not_keep_the_lock() {
        let place = tempfile::tempdir().unwrap();
        let lock = Lock::take(place.path()).unwrap();
        let copy = lock.0.try_clone().unwrap();
        let refused = Lock::take(place.path()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
        drop(lock);
        Lock::take(place.path()).unwrap();
        drop(copy);
    }
}
