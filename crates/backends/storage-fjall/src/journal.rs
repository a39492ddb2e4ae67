//! Syncing fjall's journal beside further writes.
//!
//! fjall's own `persist` holds the journal's lock for as long as the disk
//! takes, so a commit that need not be durable would wait for one that must.
//! Everything applied has reached the operating system, and syncing a file
//! through another descriptor makes the same pages durable, so that is done
//! here. `docs/decisions/0005-fjall-sync.md` gives the reasoning.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::{
    fs::{AtFlags, statat},
    io::Errno,
};
use storage_core::{Error, ErrorKind, Result};

/// Syncs the journal that fjall appends to.
#[derive(Debug)]
pub(crate) struct JournalSync {
    directory: PathBuf,
    /// The same directory: to look into it takes no walk along its path.
    opened: File,
    /// The newest journal when it was last looked for.
    newest: Mutex<(u64, File)>,
    has_failed: AtomicBool,
}

impl JournalSync {
    /// Syncs the journals in `directory`. It opens the newest at once: a
    /// descriptor reports only the failures since it was opened.
    ///
    /// # Errors
    /// `Corrupt` if there is no journal.
    pub(crate) fn open(directory: PathBuf) -> Result<Self> {
        let newest = open_newest(&directory)?;
        let opened = File::open(&directory).map_err(|error| failed(&directory, error))?;
        Ok(Self {
            directory,
            opened,
            newest: Mutex::new(newest),
            has_failed: AtomicBool::new(false),
        })
    }

    /// Makes everything durable that was applied before the call.
    ///
    /// fjall syncs a journal before it starts the next one, and writes a sorted
    /// file before it removes one. So what was applied is durable already,
    /// unless it is in the newest journal.
    pub(crate) fn sync(&self) -> Result<()> {
        let synced = self.sync_newest();
        if synced.is_err() {
            self.has_failed.store(true, Ordering::Release);
        }
        synced
    }

    /// Whether some sync has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Whether there is a newer journal. fjall numbers journals one by one and
    /// removes the oldest first, so there is one if the next number is taken,
    /// or if this journal is gone.
    fn is_outdated(&self, id: u64) -> io::Result<bool> {
        Ok(self.exists(id + 1)? || !self.exists(id)?)
    }

    fn exists(&self, id: u64) -> io::Result<bool> {
        match statat(&self.opened, journal_name(id), AtFlags::empty()) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn sync_newest(&self) -> Result<()> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let is_outdated = self.is_outdated(newest.0);
        if is_outdated.map_err(|error| failed(&self.directory, error))? {
            let next = open_newest(&self.directory)?;
            // fjall has synced it, unless something failed on the way to the next.
            self.sync_data(&newest.1)?;
            *newest = next;
        }
        self.sync_data(&newest.1)
    }

    fn sync_data(&self, journal: &File) -> Result<()> {
        journal
            .sync_data()
            .map_err(|error| failed(&self.directory, error))
    }
}

fn open_newest(directory: &Path) -> Result<(u64, File)> {
    loop {
        let id = newest_journal(directory)?;
        match File::open(directory.join(journal_name(id))) {
            Ok(file) => return Ok((id, file)),
            // A newer journal took its place just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(directory, error)),
        }
    }
}

fn journal_name(id: u64) -> String {
    format!("{id}.jnl")
}

/// The number of the newest journal in `directory`.
pub(crate) fn newest_journal(directory: &Path) -> Result<u64> {
    let journals = journals(directory).map_err(|error| failed(directory, error))?;
    let newest = journals.into_iter().map(|(id, _)| id).max();
    newest.ok_or_else(|| {
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "{} holds no journal; restore the store from a backup",
                shown(directory).display()
            ),
        )
    })
}

/// The journals in `directory`, in no order, with their numbers.
pub(crate) fn journals(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut journals = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".jnl"));
        if let Some(id) = id.and_then(|id| id.parse().ok()) {
            journals.push((id, entry.path()));
        }
    }
    Ok(journals)
}

fn failed(directory: &Path, error: io::Error) -> Error {
    let shown = shown(directory);
    Error::io(format!("syncing the journal in {}", shown.display()), error)
}

/// Where a directory is, for people: an anchored path says nothing to them.
fn shown(directory: &Path) -> PathBuf {
    directory
        .canonicalize()
        .unwrap_or_else(|_| directory.to_owned())
}
