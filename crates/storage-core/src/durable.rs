//! Directories that survive a loss of power.
//!
//! A file that is synced may still lose its name: that is kept by the directory
//! it is in, which is synced by itself.

use std::{
    fs::{self, File},
    io::{self, Write as _},
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

/// Gives a file the content `content`, whether or not it was there. Whatever
/// happens meanwhile, the file is what it was or what it becomes, and once this
/// returns it survives a loss of power. Writes `<path>.new` first, which a crash
/// may leave behind and the next call overwrites.
///
/// # Errors
/// From the operating system; the file may then be either.
pub fn replace_file(path: impl AsRef<Path>, content: &[u8]) -> io::Result<()> {
    // The parent of a relative path may be the empty one, which nothing opens.
    let path = absolute(path)?;
    let directory = path.parent().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut new = path.clone().into_os_string();
    new.push(".new");
    let mut file = File::create(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    sync_directory(directory)
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
    #[test]
    fn a_file_is_replaced_whole_whatever_an_earlier_attempt_left() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file.txt");
        fs::write(place.path().join("file.txt.new"), "a longer leftover").unwrap();
        for content in ["first", "the second", ""] {
            replace_file(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_file_that_cannot_be_replaced_stays_as_it_was() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        fs::write(&path, "before").unwrap();
        fs::create_dir(place.path().join("file.new")).unwrap();
        replace_file(&path, b"after").unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
    }
}
