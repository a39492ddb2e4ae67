//! Who holds the lock of a store, as far as Linux tells.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// The processes that hold a lock on the file at `path`, with their names.
/// Empty where the system does not tell.
pub(super) fn holders(path: &Path) -> Vec<String> {
    let (Ok(metadata), Ok(locks)) = (fs::metadata(path), fs::read_to_string("/proc/locks")) else {
        return Vec::new();
    };
    let inode = metadata.ino();
    let mut processes: Vec<_> = locks
        .lines()
        .filter_map(|line| holder(line, inode))
        .collect();
    processes.sort_unstable();
    processes.dedup();
    processes.into_iter().map(named).collect()
}

/// The process of a line such as `1: FLOCK ADVISORY WRITE 708 fd:01:131 0 EOF`,
/// if the lock is on the file `inode`. Devices are left out: overlays show
/// another one here than to those who ask for the file.
fn holder(line: &str, inode: u64) -> Option<u32> {
    let mut fields = line.split_whitespace().skip(1);
    let is_held = fields.next()? != "->";
    let process = fields.nth(2)?.parse().ok()?;
    let file = fields.next()?.rsplit(':').next()?;
    (is_held && file.parse() == Ok(inode)).then_some(process)
}

fn named(process: u32) -> String {
    match fs::read_to_string(format!("/proc/{process}/comm")) {
        Ok(name) => format!("process {process} ({})", name.trim()),
        Err(_) => format!("process {process}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_process_for_its_own_file_only() {
        let line = "12: FLOCK  ADVISORY  WRITE 708 fd:01:131094 0 EOF";
        assert_eq!(holder(line, 131_094), Some(708));
        assert_eq!(holder(line, 131_095), None);
        let waiting = "12: -> FLOCK  ADVISORY  WRITE 709 fd:01:131094 0 EOF";
        assert_eq!(holder(waiting, 131_094), None);
        assert_eq!(holder("nonsense", 131_094), None);
    }

    #[test]
    fn whoever_holds_a_lock_is_found() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(holders(file.path()), [""; 0]);
        file.as_file().lock().unwrap();
        let own = format!("process {} (", std::process::id());
        let holders = holders(file.path());
        assert!(holders.iter().any(|it| it.starts_with(&own)), "{holders:?}");
    }
}
