//! Journals that are emptied by a clean close.
//!
//! fjall removes a journal when all that is in it lies in sorted files, but never the newest, of
//! 64 MiB or more: what was written last stays on the disk twice, and is read again at each
//! open. When the store is closed, nobody writes any more, so it can be given back. The file
//! stays: fjall learns from it that the store is not new.
//! `docs/decisions/0042-emptied-journals.md` gives the reasoning.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::journal::journals;

/// Journals that take less are left alone: to write a sorted file takes longer.
const KEPT_BYTES_MAX: u64 = 1 << 20;

/// Empties the journals when it is dropped, if it is told to, which must be after fjall has
/// closed them.
#[derive(Debug)]
pub(crate) struct JournalRelease {
    directory: PathBuf,
    is_told: bool,
}

impl JournalRelease {
    /// May empty the journals in `directory`.
    pub(crate) const fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            is_told: false,
        }
    }

    /// Whether the journals take enough for it to be worth the while.
    pub(crate) fn is_worthwhile(&self) -> bool {
        bytes_taken(&self.directory).is_ok_and(|bytes| bytes > KEPT_BYTES_MAX)
    }

    /// All that is in the journals lies in sorted files.
    pub(crate) fn tell(&mut self) {
        self.is_told = true;
    }
}

impl Drop for JournalRelease {
    fn drop(&mut self) {
        if self.is_told {
            // What is left is read once more at the next open, and changes nothing.
            let _ = empty(&self.directory);
        }
    }
}

/// Empties the oldest first, and each for good before the next: whatever ends this, what is
/// left are the newest. An old one without those behind it would bring back what they
/// deleted, since sorted files forget their tombstones.
fn empty(directory: &Path) -> io::Result<()> {
    let mut journals = journals(directory)?;
    journals.sort();
    for (_, path) in journals {
        let journal = File::options().write(true).open(path)?;
        journal.set_len(0)?;
        journal.sync_all()?;
    }
    Ok(())
}

/// What the journals take of the disk: fjall makes them longer than what is in them.
fn bytes_taken(directory: &Path) -> io::Result<u64> {
    const BLOCK_BYTES: u64 = 512;
    let mut blocks = 0;
    for (_, path) in journals(directory)? {
        blocks += fs::metadata(path)?.blocks();
    }
    Ok(blocks * BLOCK_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failure_leaves_are_the_newest() {
        let directory = tempfile::tempdir().unwrap();
        let path = |id: u64| directory.path().join(format!("{id}.jnl"));
        for id in [2, 8, 10, 11] {
            fs::write(path(id), "records").unwrap();
        }
        // It cannot be cut.
        fs::create_dir(path(9)).unwrap();
        empty(directory.path()).unwrap_err();
        let lengths = [2, 8, 10, 11].map(|id| fs::metadata(path(id)).unwrap().len());
        assert_eq!(lengths, [0, 0, 7, 7]);
    }
}
