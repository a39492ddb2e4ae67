//! What is known of the file system that files are on.

use super::Folder;

/// A kind of file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileSystem {
    /// Files are in memory: no read waits for a disk.
    Memory,
    /// To sync all of it does as much as to sync every file and directory.
    Known,
    /// Nothing is known of it.
    Other,
}

impl FileSystem {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn of(folder: &Folder) -> Self {
        const TMPFS: u64 = 0x0102_1994;
        /// ext4, XFS, Btrfs, F2FS, ZFS, bcachefs.
        const KNOWN: [u64; 6] = [
            0xEF53,
            0x5846_5342,
            0x9123_683E,
            0xF2F5_2010,
            0x2FC1_2FC1,
            0xCA45_1A4E,
        ];
        let kind = rustix::fs::fstatfs(folder.fd()).map(|system| u64::try_from(system.f_type));
        match kind {
            Ok(Ok(TMPFS)) => Self::Memory,
            Ok(Ok(kind)) if KNOWN.contains(&kind) && tells_failures() => Self::Known,
            _ => Self::Other,
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) const fn of(_: &Folder) -> Self {
        Self::Other
    }
}

/// Whether a sync of the whole file system tells what could not be written. Linux
/// before 5.8 answers that all is well.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn tells_failures() -> bool {
    let uname = rustix::system::uname();
    uname.release().to_str().is_ok_and(is_recent)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_recent(release: &str) -> bool {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (5, 8),
        _ => false,
    }
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;

    #[test]
    fn only_kernels_that_tell_failures_are_trusted_with_a_whole_file_system() {
        for release in ["5.8.0", "5.15.0-91-generic", "6.1.0-18-amd64", "10.0"] {
            assert!(is_recent(release), "{release}");
        }
        for release in ["4.19.0-26-amd64", "5.7.19", "5", "", "linux-6.1"] {
            assert!(!is_recent(release), "{release}");
        }
    }
}
