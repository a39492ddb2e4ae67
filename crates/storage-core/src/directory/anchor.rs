//! A path that goes on leading to a directory when that is moved.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// A directory that is held open, and a path that leads through what holds it.
#[derive(Debug)]
pub(super) struct Anchor {
    path: PathBuf,
    _directory: File,
}

impl Anchor {
    /// Anchors the directory that is at `path` now.
    ///
    /// # Errors
    /// From the operating system.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let directory = File::open(path)?;
        Ok(Self {
            // Where there is no such way, the path must do.
            path: through(&directory).unwrap_or_else(|| path.to_owned()),
            _directory: directory,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The path through the descriptor of a directory, where Linux shows it.
#[cfg(target_os = "linux")]
fn through(directory: &File) -> Option<PathBuf> {
    use std::os::{fd::AsRawFd, unix::fs::MetadataExt};

    let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
    let (held, found) = (directory.metadata().ok()?, path.metadata().ok()?);
    ((held.dev(), held.ino()) == (found.dev(), found.ino())).then_some(path)
}

#[cfg(not(target_os = "linux"))]
const fn through(_: &File) -> Option<PathBuf> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_anchor_leads_to_the_directory_wherever_it_is_moved() {
        let place = tempfile::tempdir().unwrap();
        let (old, new) = (place.path().join("old"), place.path().join("new"));
        fs::create_dir(&old).unwrap();
        let anchor = Anchor::at(&old).unwrap();
        fs::write(anchor.path().join("first"), "").unwrap();
        fs::rename(&old, &new).unwrap();
        fs::create_dir(&old).unwrap();
        fs::create_dir(anchor.path().join("second")).unwrap();
        fs::rename(anchor.path().join("first"), anchor.path().join("third")).unwrap();
        assert!(new.join("second").is_dir() && new.join("third").is_file());
        assert_eq!(fs::read_dir(&old).unwrap().count(), 0);
    }
}
