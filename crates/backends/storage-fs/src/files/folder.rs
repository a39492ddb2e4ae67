//! A directory, reached through a descriptor: it stays the same one wherever it
//! is moved, and paths below it are short.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};

/// An open directory.
#[derive(Debug)]
pub(crate) struct Folder {
    fd: OwnedFd,
}

/// What a name in a directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Other,
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

impl Folder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            fd: rustix::fs::openat(CWD, path, FOLDER, Mode::empty())?,
        })
    }

    /// The directory at a path below this one.
    pub(crate) fn folder(&self, path: &str) -> io::Result<Self> {
        Ok(Self {
            fd: rustix::fs::openat(&self.fd, path, FOLDER, Mode::empty())?,
        })
    }

    /// Makes a directory, unless it is there already.
    pub(crate) fn make_folder(&self, path: &str) -> io::Result<()> {
        match rustix::fs::mkdirat(&self.fd, path, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a file to write.
    ///
    /// # Errors
    /// `AlreadyExists` if there is one.
    pub(crate) fn create(&self, path: &str) -> io::Result<File> {
        self.file(path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
    }

    /// Makes a file to read and write.
    ///
    /// # Errors
    /// `AlreadyExists` if there is one.
    pub(crate) fn create_log(&self, path: &str) -> io::Result<File> {
        self.file(path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
    }

    /// Opens a file to read.
    pub(crate) fn read(&self, path: &str) -> io::Result<File> {
        self.file(path, OFlags::RDONLY)
    }

    /// Opens a file to read and write.
    pub(crate) fn write(&self, path: &str) -> io::Result<File> {
        self.file(path, OFlags::RDWR)
    }

    pub(crate) fn file(&self, path: &str, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o666);
        Ok(rustix::fs::openat(&self.fd, path, flags, mode)?.into())
    }

    /// Removes a file; nothing if there is none.
    pub(crate) fn remove(&self, path: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.fd, path, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a directory; says whether it was empty, and is gone.
    pub(crate) fn remove_folder(&self, path: &str) -> io::Result<bool> {
        match rustix::fs::unlinkat(&self.fd, path, AtFlags::REMOVEDIR) {
            Ok(()) => Ok(true),
            Err(
                rustix::io::Errno::NOTEMPTY | rustix::io::Errno::EXIST | rustix::io::Errno::NOENT,
            ) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, from, &self.fd, to)?)
    }

    /// Makes the names in the directory durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.fd)?)
    }

    /// The names in the directory, and what they stand for. Names that are not
    /// UTF-8 are shown as well as can be.
    pub(crate) fn list(&self) -> io::Result<Vec<(String, Kind)>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not say.
                FileType::Unknown => FileType::from_raw_mode(
                    rustix::fs::statat(&self.fd, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?
                        .st_mode,
                ),
                told => told,
            };
            names.push((
                name,
                match kind {
                    FileType::RegularFile => Kind::File,
                    FileType::Directory => Kind::Folder,
                    _ => Kind::Other,
                },
            ));
        }
        Ok(names)
    }

    pub(crate) fn fd(&self) -> impl AsFd {
        self.fd.as_fd()
    }
}

/// What was opened, unless it has been removed meanwhile.
pub(super) fn unless_gone<T>(opened: io::Result<T>) -> io::Result<Option<T>> {
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
