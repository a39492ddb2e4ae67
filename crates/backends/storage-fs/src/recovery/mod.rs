//! Opening a store: from the base and the logs to an index, whatever a crash
//! left of them.
//!
//! 1. The newest base is read, and the logs from it on are replayed (`replay`).
//!    What a crash tore at the end is left out; what is broken before the mark
//!    up to which the log was durable is damage.
//! 2. The files of versions that were not settled are checked (`verify`). What a
//!    loss of power took of them is written again from the log; where the log
//!    does not have it, the commit was never promised, and the log is cut off
//!    before it.
//! 3. Only then is anything removed: the rest of the log, and what no record
//!    names (`tidy`).

mod replay;
mod tidy;
mod verify;

use std::{fs::File, sync::Arc};

use storage_core::{Mark, Result};

use crate::{
    base::{self, Base},
    error::{damaged, failed},
    files::{FileName, Folder, Kind, ValueFiles},
    index::Index,
    log::{self, Log},
    version::VersionId,
};

/// A store as it was found.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) index: Index,
    /// Versions from here on have not been given out.
    pub(crate) next: VersionId,
    /// Versions from here on are in the logs.
    pub(crate) first_logged: VersionId,
    /// The log to go on with.
    pub(crate) log: Log,
    /// All logs since the base, and their files.
    pub(crate) logs: Vec<(u64, Arc<File>)>,
    pub(crate) log_bytes: u64,
    pub(crate) log_changes: u64,
    pub(crate) base_number: u64,
    pub(crate) base_bytes: u64,
    /// Files that no key refers to, and that may still be there; and their
    /// lengths.
    pub(crate) dead: Vec<(FileName, u64)>,
    /// Whether the store was closed, and nothing has to be done to close it.
    pub(crate) is_closed: bool,
    /// What was left out, if anything was.
    pub(crate) cut: Option<Cut>,
}

/// The end of a log that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Where it began.
    pub(crate) at: Mark,
    /// How much there was of it, in this log and those after it.
    pub(crate) bytes: u64,
}

/// Opens what is in `data`. The log was durable up to `mark`, if that is known.
///
/// # Errors
/// `Corrupt` for damage to what was promised; `Denied`, `Full` and `Unavailable`
/// from the operating system. Nothing has been removed then.
pub(crate) fn recover(data: &Folder, files: &ValueFiles, mark: Option<Mark>) -> Result<Recovered> {
    let found = Found::look(data)?;
    let mut limit = None;
    loop {
        let mut replayed = replay::replay(data, &found, mark, limit)?;
        // What is cut off may uncover versions whose files were lost too, so
        // this is repeated until nothing more has to be.
        match verify::verify(data, files, &mut replayed, mark)? {
            Some(earlier) => limit = Some(earlier),
            None => return tidy::tidy(data, files, &found, replayed),
        }
    }
}

/// The names in the directory of a store that mean something here.
#[derive(Debug)]
struct Found {
    /// The newest base.
    base: u64,
    /// In order.
    logs: Vec<u64>,
    /// What an earlier compaction left behind.
    leftovers: Vec<String>,
}

impl Found {
    fn look(data: &Folder) -> Result<Self> {
        let names = data.list().map_err(|error| failed("reading", "", error))?;
        let files = names.iter().filter(|(_, kind)| *kind == Kind::File);
        let names = || files.clone().map(|(name, _)| name.as_str());
        let base = names()
            .filter_map(base::number_of)
            .max()
            .ok_or_else(|| damaged("base-*", "is missing"))?;
        let mut logs: Vec<u64> = names().filter_map(log::number_of).collect();
        logs.sort_unstable();
        logs.retain(|number| *number >= base);
        let is_leftover = |name: &&str| {
            base::number_of(name).is_some_and(|number| number < base)
                || log::number_of(name).is_some_and(|number| number < base)
                || base::is_unfinished(name)
        };
        Ok(Self {
            base,
            logs,
            leftovers: names().filter(is_leftover).map(ToOwned::to_owned).collect(),
        })
    }

    fn read_base(&self, data: &Folder) -> Result<(Base, u64)> {
        Base::read(data, self.base)
    }
}
