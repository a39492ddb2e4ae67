//! Directories that survive a loss of power.
//!
//! A file that is synced may still lose its name: that is kept by the directory
//! it is in, which is synced by itself.

use std::{
    fs::{self, File},
    io,
    path::{Path, absolute},
};

/// Makes a directory, and those above it that are missing. The names of all that
/// it makes survive a loss of power.
///
/// # Errors
/// From the operating system; `AlreadyExists` where a file is in the way.
pub fn create_directory(path: impl AsRef<Path>) -> io::Result<()> {
    // The parent of a relative path may be the empty one, which nothing opens.
    create_below(&absolute(path)?)
}

/// Makes the names in a directory survive a loss of power.
///
/// # Errors
/// From the operating system.
pub fn sync_directory(path: impl AsRef<Path>) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn create_below(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_below(parent)?;
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
            made => made?,
        }
        sync_directory(parent)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_made_with_those_above_it_and_may_be_there_already() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/b/../c");
        for _ in 0..2 {
            create_directory(&path).unwrap();
            assert!(place.path().join("a/c").is_dir());
        }
        fs::write(place.path().join("file"), "").unwrap();
        for blocked in ["file", "file/below"] {
            let error = create_directory(place.path().join(blocked)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        }
    }
}
