//! What the machine gives a store: room, files, rights.

use std::path::Path;

use rustix::{
    fs::{Access, access, statvfs},
    process::{Resource, getrlimit},
};

use super::finding::Finding;
use crate::{status::Status, units};

/// Below this, the next compaction of a store of any size may not fit.
const FREE_BYTES_LOW: u64 = 1 << 30;
/// Below this, not even a journal can be begun.
const FREE_BYTES_LEAST: u64 = 64 << 20;

/// An LSM tree has a file open for each of its tables.
const OPEN_FILES_LOW: u64 = 1_024;
const OPEN_FILES_LEAST: u64 = 64;

/// How much room there is on the file system that `path` is on.
pub(super) fn disk_space(path: &Path) -> Finding {
    const SUBJECT: &str = "disk space";
    let figures = match statvfs(path) {
        Ok(figures) => figures,
        Err(error) => {
            return Finding::warning(SUBJECT, format!("the system does not tell: {error}"));
        }
    };
    let free = figures.f_bavail.saturating_mul(figures.f_frsize);
    judge_space(SUBJECT, free)
}

fn judge_space(subject: &'static str, free: u64) -> Finding {
    let text = format!("{} free", units::bytes(free));
    let remedy = "free some, or move the store to a larger disk";
    if free < FREE_BYTES_LEAST {
        Finding::problem(subject, Status::Other, text).remedy(remedy)
    } else if free < FREE_BYTES_LOW {
        Finding::warning(subject, text).remedy(remedy)
    } else {
        Finding::ok(subject, text)
    }
}

/// Whether this user may read and write the directory at `path`.
pub(super) fn rights(path: &Path) -> Finding {
    const SUBJECT: &str = "rights";
    match access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Finding::ok(SUBJECT, format!("{} can be written", path.display())),
        Err(error) => Finding::problem(
            SUBJECT,
            Status::Other,
            format!("{} cannot be written: {error}", path.display()),
        )
        .remedy("give this user the right to write there, or run as the user who owns it"),
    }
}

/// How many files this process may have open.
pub(super) fn open_files() -> Finding {
    judge_files(getrlimit(Resource::Nofile).current)
}

fn judge_files(limit: Option<u64>) -> Finding {
    const SUBJECT: &str = "open files";
    let remedy = "raise the limit: `ulimit -n 65536`, or LimitNOFILE= of the service";
    match limit {
        None => Finding::ok(SUBJECT, "no limit"),
        Some(limit) => {
            let text = format!("at most {}", units::number(limit));
            if limit < OPEN_FILES_LEAST {
                Finding::problem(SUBJECT, Status::Other, text).remedy(remedy)
            } else if limit < OPEN_FILES_LOW {
                Finding::warning(SUBJECT, text).remedy(remedy)
            } else {
                Finding::ok(SUBJECT, text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn little_is_a_warning_and_too_little_a_problem() {
        let problem = Level::Problem(Status::Other);
        for (free, level) in [
            (0, problem),
            (FREE_BYTES_LEAST, Level::Warning),
            (FREE_BYTES_LOW, Level::Ok),
        ] {
            assert_eq!(judge_space("disk space", free).level, level, "{free}");
        }
        for (limit, level) in [
            (Some(63), problem),
            (Some(1_023), Level::Warning),
            (Some(1_024), Level::Ok),
            (None, Level::Ok),
        ] {
            assert_eq!(judge_files(limit).level, level, "{limit:?}");
        }
    }
}
