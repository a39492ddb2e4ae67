//! Disks to fill and to protect: file systems in memory, which only a process
//! with [mounts](super::enclosure::Enclosure::Mounts) of its own has.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{CaseResult, Failure};

/// A mounted file system in memory, which ends with the process.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
}

/// What a disk may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    ReadAndWrite,
}

impl Disk {
    /// Mounts a disk of this size at `path`, where there is nothing yet.
    pub(super) fn mount(path: PathBuf, size_bytes: u64) -> CaseResult<Self> {
        fs::create_dir(&path)?;
        system::mount(&path, size_bytes)?;
        Ok(Self { path })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it larger, or smaller.
    ///
    /// # Errors
    /// If it cannot be.
    pub fn resize(&self, size_bytes: u64) -> CaseResult {
        system::resize(&self.path, size_bytes)
    }

    /// Fills what is left of the disk with a file.
    pub(super) fn fill(&self, file: &Path) -> CaseResult {
        let block = [1; 4 << 10];
        let mut file = File::create(file)?;
        loop {
            match file.write_all(&block) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(Failure::from(error).within(self.path.display())),
            }
        }
    }

    pub(super) fn allow(&self, access: Access) -> CaseResult {
        system::allow(&self.path, access)
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::{ffi::CString, io, path::Path};

    use rustix::mount::{self, MountFlags};

    use super::Access;
    use crate::{CaseResult, Failure};

    pub(super) fn mount(path: &Path, size_bytes: u64) -> CaseResult {
        let size = CString::new(size(size_bytes)).map_err(io::Error::from)?;
        mount::mount("none", path, "tmpfs", MountFlags::empty(), size.as_c_str())
            .map_err(|error| failed(path, error))
    }

    pub(super) fn resize(path: &Path, size_bytes: u64) -> CaseResult {
        mount::mount_remount(path, MountFlags::empty(), size(size_bytes))
            .map_err(|error| failed(path, error))
    }

    pub(super) fn allow(path: &Path, access: Access) -> CaseResult {
        let flags = match access {
            Access::Read => MountFlags::RDONLY,
            Access::ReadAndWrite => MountFlags::empty(),
        };
        mount::mount_remount(path, flags, "").map_err(|error| failed(path, error))
    }

    fn size(bytes: u64) -> String {
        format!("size={bytes}")
    }

    fn failed(path: &Path, error: rustix::io::Errno) -> Failure {
        Failure::from(io::Error::from(error)).within(format!("mounting {}", path.display()))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::path::Path;

    use super::Access;
    use crate::{CaseResult, Failure};

    pub(super) fn mount(_: &Path, _: u64) -> CaseResult {
        Err(Failure::new(
            "only Linux lets a test mount a disk of its own",
        ))
    }

    pub(super) fn resize(path: &Path, size_bytes: u64) -> CaseResult {
        mount(path, size_bytes)
    }

    pub(super) fn allow(path: &Path, _: Access) -> CaseResult {
        mount(path, 0)
    }
}
