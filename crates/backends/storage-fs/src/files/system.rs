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
            Ok(Ok(kind)) if KNOWN.contains(&kind) => Self::Known,
            _ => Self::Other,
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) const fn of(_: &Folder) -> Self {
        Self::Other
    }
}
