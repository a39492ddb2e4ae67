//! Who holds the lock of a store, as far as Linux tells. Nothing is locked to
//! find out.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use rustix::fs::{Dev, major, makedev, minor};

/// Who holds the lock of a store.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Holders {
    /// The system does not tell.
    Untold,
    /// No process that can be seen from here.
    Nobody,
    /// These processes, by number and name.
    These(Vec<String>),
    /// Perhaps these: the file system shows its files on another device than its
    /// locks, so a file of the same number elsewhere may be meant.
    Perhaps(Vec<String>),
}

impl Holders {
    /// Who holds the lock on the file at `path`.
    pub(super) fn of(path: &Path) -> Self {
        let (Ok(metadata), Ok(locks)) = (fs::metadata(path), fs::read_to_string("/proc/locks"))
        else {
            return Self::Untold;
        };
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        Self::among(&locks, &mounts, metadata.dev(), metadata.ino())
    }

    fn among(locks: &str, mounts: &str, device: Dev, inode: u64) -> Self {
        let held = locks
            .lines()
            .filter_map(Lock::of)
            .filter(|lock| lock.inode == inode);
        let (here, elsewhere): (Vec<_>, Vec<_>) = held.partition(|lock| lock.device == device);
        if !here.is_empty() {
            return Self::These(named(&here));
        }
        // Locks are on the device of the mount. Subvolumes and overlays show
        // their files on another.
        let number = format!("{}:{}", major(device), minor(device));
        let is_mounted = mounts
            .lines()
            .any(|mount| mount.split(' ').nth(2) == Some(&number));
        if is_mounted || elsewhere.is_empty() {
            Self::Nobody
        } else {
            Self::Perhaps(named(&elsewhere))
        }
    }
}

/// A lock of the kind that stores are held by.
#[derive(Debug, PartialEq, Eq)]
struct Lock {
    process: u32,
    device: Dev,
    inode: u64,
}

impl Lock {
    /// The lock of a line such as `1: FLOCK ADVISORY WRITE 708 fd:01:131 0 EOF`.
    /// Processes that wait for one, and locks of other kinds, do not hold a store.
    fn of(line: &str) -> Option<Self> {
        let mut fields = line.split_whitespace().skip(1);
        if fields.next()? != "FLOCK" {
            return None;
        }
        let process = fields.nth(2)?.parse().ok()?;
        let mut file = fields.next()?.split(':');
        let mut device_part = || u32::from_str_radix(file.next()?, 16).ok();
        let device = makedev(device_part()?, device_part()?);
        let inode = file.next()?.parse().ok()?;
        Some(Self {
            process,
            device,
            inode,
        })
    }
}

fn named(locks: &[Lock]) -> Vec<String> {
    let mut processes: Vec<_> = locks.iter().map(|lock| lock.process).collect();
    processes.sort_unstable();
    processes.dedup();
    let name = |process| match fs::read_to_string(format!("/proc/{process}/comm")) {
        Ok(name) => format!("process {process} ({})", name.trim()),
        Err(_) => format!("process {process}"),
    };
    processes.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "27 1 253:1 / / rw,relatime - ext4 /dev/vda rw\n";
    /// No process has this number: they end at 2 to the 22nd.
    const LOCKS: &str = "12: FLOCK  ADVISORY  WRITE 99000708 fd:01:131094 0 EOF\n";

    fn of_file(locks: &str, device: Dev, inode: u64) -> Holders {
        Holders::among(locks, MOUNTS, device, inode)
    }

    #[test]
    fn a_process_is_named_only_for_a_lock_on_the_same_file_of_the_same_device() {
        let these = Holders::These(vec!["process 99000708".to_owned()]);
        assert_eq!(of_file(LOCKS, makedev(253, 1), 131_094), these);
        assert_eq!(of_file(LOCKS, makedev(253, 1), 131_095), Holders::Nobody);
        let elsewhere = LOCKS.replace("fd:01", "fd:02");
        let found = of_file(&elsewhere, makedev(253, 1), 131_094);
        assert_eq!(found, Holders::Nobody);
    }

    #[test]
    fn a_file_whose_device_is_no_mount_s_is_perhaps_held() {
        let perhaps = Holders::Perhaps(vec!["process 99000708".to_owned()]);
        assert_eq!(of_file(LOCKS, makedev(0, 35), 131_094), perhaps);
        assert_eq!(of_file(LOCKS, makedev(0, 35), 131_095), Holders::Nobody);
    }

    #[test]
    fn whoever_waits_or_locks_in_another_way_holds_nothing() {
        for other in ["-> FLOCK", "POSIX", "OFDLCK", "LEASE"] {
            let locks = LOCKS.replace("FLOCK", other);
            let found = of_file(&locks, makedev(253, 1), 131_094);
            assert_eq!(found, Holders::Nobody, "{other}");
        }
        assert_eq!(Lock::of("nonsense"), None);
    }

    #[test]
    fn whoever_holds_a_lock_is_found_and_nobody_once_it_is_given_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(Holders::of(file.path()), Holders::Nobody);
        file.as_file().lock().unwrap();
        let own = format!("process {} (", std::process::id());
        match Holders::of(file.path()) {
            Holders::These(holders) | Holders::Perhaps(holders) => {
                assert!(holders.iter().any(|it| it.starts_with(&own)), "{holders:?}");
            }
            other => panic!("{other:?}"),
        }
        file.as_file().unlock().unwrap();
        assert_eq!(Holders::of(file.path()), Holders::Nobody);
    }
}
