//! Reading value files, and telling whether they are what was written.

use std::{
    fs::File,
    io::{self, Read},
    sync::atomic::Ordering,
};

use rustix::fs::OFlags;

use super::{FileName, ValueFiles};
use crate::{version::FileContent, wire::as_u64};

/// Why a value cannot be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// There is no such file.
    Missing,
    /// It is not what was written.
    Damaged(String),
    /// The operating system failed.
    Io(io::Error),
}

impl ValueFiles {
    /// The value that a file holds.
    pub(crate) fn read(&self, name: &FileName, content: FileContent) -> Result<Vec<u8>, ReadError> {
        let bytes = self.read_file(name, content)?;
        self.decode(bytes, content)
    }

    /// Whether a file is what was written.
    pub(crate) fn verify(&self, name: &FileName, content: FileContent) -> Result<(), ReadError> {
        self.read_file(name, content).map(drop)
    }

    fn read_file(&self, name: &FileName, content: FileContent) -> Result<Vec<u8>, ReadError> {
        let mut file = self
            .open_to_read(name)
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => ReadError::Missing,
                _ => ReadError::Io(error),
            })?;
        // One more, to see whether the file ends where it should.
        let room = content.bytes.saturating_add(1);
        let room = usize::try_from(room).map_err(|error| ReadError::Io(io::Error::other(error)))?;
        let mut bytes = vec![0; room];
        let read = fill(&mut file, &mut bytes).map_err(ReadError::Io)?;
        bytes.truncate(read);
        checked(bytes, content)
    }

    fn open_to_read(&self, name: &FileName) -> io::Result<File> {
        match self.folder.file(name.path(), self.flags()) {
            Err(error) if error.raw_os_error() == Some(EPERM) => {
                self.leaves_no_time.store(false, Ordering::Relaxed);
                self.folder.file(name.path(), self.flags())
            }
            opened => opened,
        }
    }

    fn flags(&self) -> OFlags {
        if self.leaves_no_time.load(Ordering::Relaxed) {
            OFlags::RDONLY | NO_TIME
        } else {
            OFlags::RDONLY
        }
    }

    fn decode(&self, bytes: Vec<u8>, content: FileContent) -> Result<Vec<u8>, ReadError> {
        self.decoder
            .decode(content.codec, bytes, content.value_bytes)
            .map_err(|error| ReadError::Damaged(format!("cannot be decompressed ({error})")))
    }
}

/// What only the owner of a file may ask for is refused with this code.
const EPERM: i32 = rustix::io::Errno::PERM.raw_os_error();

#[cfg(any(target_os = "linux", target_os = "android"))]
const NO_TIME: OFlags = OFlags::NOATIME;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const NO_TIME: OFlags = OFlags::empty();

#[cfg(target_os = "linux")]
mod cached {
    //! Reads that take no waiting for a disk, or are not done.

    use std::{io::IoSliceMut, sync::atomic::Ordering};

    use rustix::{
        fs::{Mode, OFlags, ResolveFlags, openat2},
        io::{Errno, ReadWriteFlags, preadv2},
    };

    use super::{super::FileSystem, FileContent, FileName, ValueFiles, checked};

    impl ValueFiles {
        /// Files of more bytes take so long to copy and to check that it is done
        /// elsewhere.
        const CACHED_BYTES_MAX: u64 = 256 << 10;

        /// The value that a file holds, if the kernel has its directories, the
        /// file and all of its content in memory, and nothing is wrong with it.
        pub(crate) fn read_cached(&self, name: &FileName, content: FileContent) -> Option<Vec<u8>> {
            if content.bytes.max(content.value_bytes) > Self::CACHED_BYTES_MAX
                || !self.tells_of_waits.load(Ordering::Relaxed)
            {
                return None;
            }
            let flags = self.flags() | OFlags::CLOEXEC;
            let folder = self.folder.fd();
            let file = openat2(
                folder,
                name.path(),
                flags,
                Mode::empty(),
                ResolveFlags::CACHED,
            );
            let file = file.ok()?;
            let mut bytes = vec![0; usize::try_from(content.bytes).ok()? + 1];
            let buffers = &mut [IoSliceMut::new(&mut bytes)];
            let read = match preadv2(&file, buffers, 0, self.unless_it_waits()) {
                Ok(read) => read,
                Err(Errno::OPNOTSUPP) => {
                    self.tells_of_waits.store(false, Ordering::Relaxed);
                    return None;
                }
                Err(_) => return None,
            };
            bytes.truncate(read);
            let bytes = checked(bytes, content).ok()?;
            self.decode(bytes, content).ok()
        }

        fn unless_it_waits(&self) -> ReadWriteFlags {
            match self.system {
                FileSystem::Memory => ReadWriteFlags::empty(),
                FileSystem::Known | FileSystem::Other => ReadWriteFlags::NOWAIT,
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl ValueFiles {
    /// Nothing: here nobody can tell whether a read would have to wait.
    pub(crate) fn read_cached(&self, _: &FileName, _: FileContent) -> Option<Vec<u8>> {
        None
    }
}

/// The content of a file, if it is what was written.
fn checked(bytes: Vec<u8>, content: FileContent) -> Result<Vec<u8>, ReadError> {
    let length = as_u64(bytes.len());
    if length > content.bytes {
        return Err(ReadError::Damaged(format!(
            "is longer than the {} bytes that were written",
            content.bytes
        )));
    }
    if length < content.bytes {
        return Err(ReadError::Damaged(format!(
            "has {length} bytes of the {} that were written",
            content.bytes
        )));
    }
    if crc32fast::hash(&bytes) != content.checksum {
        return Err(ReadError::Damaged(
            "is not what was written: its checksum differs".to_owned(),
        ));
    }
    Ok(bytes)
}

/// Reads until `bytes` are full or the file ends; gives how many there were.
fn fill(file: &mut File, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
