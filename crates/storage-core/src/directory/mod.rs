//! The directory of an embedded store: whose it is, which format it has, and
//! that one process at a time uses it.
//!
//! Every engine that keeps files in a directory of its own claims it here, so
//! foreign directories, other engines' stores, newer formats, second processes
//! and creations that were cut off are treated alike.
//! `docs/formats/directory.md` describes the files.

mod anchor;
mod content;
mod inspect;
mod lock;
mod watermark;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use self::{
    anchor::Anchor,
    lock::{LOCK_FILE, Lock},
};
pub use self::{
    content::FileContent,
    inspect::FoundStore,
    watermark::{Mark, Watermark},
};
use crate::{Error, ErrorKind, Result, durable};

const FORMAT_FILE: &str = "STORAGE";
/// What [`durable::replace_file`] leaves of a format file that was cut off.
const FORMAT_FILE_NEW: &str = "STORAGE.new";
const DATA: &str = "data";
const DATA_NEW: &str = "data.new";

/// A directory that belongs to one open store. The lock is held until this is
/// dropped.
#[derive(Debug)]
pub struct StoreDirectory {
    path: PathBuf,
    anchor: Anchor,
    /// Last, so that it is dropped last.
    _lock: Lock,
}

impl StoreDirectory {
    /// Claims `path` for `engine`, whose files have format `version`. A
    /// directory that is missing or empty becomes a store, for which `create`
    /// makes the engine's files in the directory it is given. That directory is
    /// synced and moved to [`data`](Self::data), so they are there whole or not
    /// at all.
    ///
    /// # Errors
    /// `Invalid` for a path that is not a directory, that holds other files but
    /// no store, or that holds another engine's store; `Unsupported` for a
    /// newer format; `Unavailable` while another process holds the store;
    /// `Corrupt` for a damaged format file or missing data; `Denied` and `Full`
    /// from the operating system; what `create` reports.
    pub fn claim(
        path: impl AsRef<Path>,
        engine: &str,
        version: u32,
        create: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Self> {
        let path = path.as_ref();
        // The store must not move when the process changes its directory.
        let path = std::path::absolute(path)
            .map_err(|error| Error::io(format!("finding {}", path.display()), error))?;
        durable::create_directory(&path)
            .map_err(|error| Error::io(format!("creating {}", path.display()), error))?;
        refuse_foreign(&path)?;
        let lock = Lock::take(&path)?;
        let anchor = Anchor::at(&path)
            .map_err(|error| Error::io(format!("opening {}", path.display()), error))?;
        let directory = Self {
            path,
            anchor,
            _lock: lock,
        };
        // Only now: another process may have made it a store meanwhile.
        if directory.path.join(FORMAT_FILE).exists() {
            check_format(&directory.path, engine, version)?;
        } else {
            directory.create(engine, version, create)?;
        }
        directory.settle_data()?;
        Ok(directory)
    }

    /// Where the directory was when it was claimed; an absolute path. What an
    /// engine says of its files, it says with this.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the engine's files were when the directory was claimed.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.path.join(DATA)
    }

    /// A path to the directory for as long as it is claimed, also when it is
    /// moved and another is made in its place: an engine that opens, makes or
    /// removes files later does so by this. On Linux it leads through
    /// `/proc/self/fd`, so it means nothing to people, to other processes and to
    /// a later one; elsewhere it is [`path`](Self::path).
    #[must_use]
    pub fn anchored_path(&self) -> &Path {
        self.anchor.path()
    }

    /// As [`anchored_path`](Self::anchored_path), a path to [`data`](Self::data).
    #[must_use]
    pub fn anchored_data(&self) -> PathBuf {
        self.anchored_path().join(DATA)
    }

    fn create(
        &self,
        engine: &str,
        version: u32,
        create: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        let failed = |error| Error::io(format!("making {} a store", self.path.display()), error);
        // The lock file tells a creation that was cut off from somebody else's
        // files, so its name must survive whatever comes after it.
        durable::sync_directory(&self.path).map_err(failed)?;
        let new = self.path.join(DATA_NEW);
        if new.exists() {
            fs::remove_dir_all(&new).map_err(failed)?;
        }
        fs::create_dir(&new).map_err(failed)?;
        create(&new)?;
        sync_directories(&new).map_err(failed)?;
        // Its own name too: the format file promises that it is there.
        durable::sync_directory(&self.path).map_err(failed)?;
        let text = format_text(engine, version);
        durable::replace_file(self.path.join(FORMAT_FILE), text.as_bytes()).map_err(failed)
    }

    /// Moves new data to its place. It was whole before the format file was
    /// written, so whoever finds the one can count on the other.
    fn settle_data(&self) -> Result<()> {
        let data = self.data();
        if data.exists() {
            return Ok(());
        }
        fs::rename(self.path.join(DATA_NEW), &data)
            .and_then(|()| durable::sync_directory(&self.path))
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => Error::new(
                    ErrorKind::Corrupt,
                    format!(
                        "{} is missing; restore the store from a backup",
                        data.display()
                    ),
                )
                .with_source(error),
                _ => Error::io(format!("making {}", data.display()), error),
            })
    }
}

/// Refuses a directory that holds something else than a store.
fn refuse_foreign(path: &Path) -> Result<()> {
    let reading = |error| Error::io(format!("reading {}", path.display()), error);
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(reading)? {
        names.push(entry.map_err(reading)?.file_name());
    }
    if names.iter().any(|name| name == FORMAT_FILE) {
        return Ok(());
    }
    // A creation that was cut off leaves these behind, the lock always.
    let is_begun = names.iter().any(|name| name == LOCK_FILE);
    let foreign = names.iter().find(|name| {
        let is_ours = [LOCK_FILE, FORMAT_FILE_NEW, DATA_NEW]
            .iter()
            .any(|ours| *name == ours);
        !(is_begun && is_ours)
    });
    match foreign {
        None => Ok(()),
        Some(name) => Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "{} is not a store: it holds {} but no {FORMAT_FILE} file; choose an empty or a new directory",
                path.display(),
                name.display(),
            ),
        )),
    }
}

fn check_format(path: &Path, engine: &str, version: u32) -> Result<()> {
    let (found_engine, found_version) = read_format(path)?;
    if found_engine != engine {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "{} is a {found_engine} store, not a {engine} store; open it as {found_engine}",
                path.display()
            ),
        ));
    }
    if found_version > version {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "{} has {engine} format {found_version}, this version knows up to {version}; upgrade",
                path.display()
            ),
        ));
    }
    Ok(())
}

fn read_format(path: &Path) -> Result<(String, u32)> {
    let text = fs::read(path.join(FORMAT_FILE))
        .map_err(|error| Error::io(format!("reading {}", path.display()), error))?;
    let (engine, version) = parse_format(&text).ok_or_else(|| {
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "{} is damaged; restore the store from a backup",
                path.join(FORMAT_FILE).display()
            ),
        )
    })?;
    Ok((engine.to_owned(), version))
}

/// The text of a format file: one line, ended by its own checksum.
fn format_text(engine: &str, version: u32) -> String {
    let text = format!("storage {engine} {version}");
    let checksum = crc32fast::hash(text.as_bytes());
    format!("{text} {checksum:08x}\n")
}

/// The engine and format version that the text of a format file names.
fn parse_format(text: &[u8]) -> Option<(&str, u32)> {
    let line = str::from_utf8(text).ok()?.strip_suffix('\n')?;
    let (engine, rest) = line.strip_prefix("storage ")?.split_once(' ')?;
    let (version, _) = rest.split_once(' ')?;
    let version = version.parse().ok()?;
    (format_text(engine, version).as_bytes() == text).then_some((engine, version))
}

/// Makes the entries of a directory and of all below it survive a loss of power.
fn sync_directories(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_directories(&entry.path())?;
        }
    }
    durable::sync_directory(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_file_is_the_documented_one() {
        assert_eq!(format_text("fjall", 1), "storage fjall 1 8e1c3a59\n");
        assert_eq!(
            parse_format(b"storage fjall 1 8e1c3a59\n"),
            Some(("fjall", 1))
        );
    }

    #[test]
    fn a_format_file_with_any_byte_changed_is_damaged() {
        let text = format_text("fjall", 1).into_bytes();
        for place in 0..text.len() {
            let mut damaged = text.clone();
            damaged[place] ^= 1;
            assert_eq!(parse_format(&damaged), None, "{place}");
            assert_eq!(parse_format(&text[..place]), None, "{place}");
        }
    }
}
