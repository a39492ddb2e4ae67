//! Compaction: the index as it is becomes the new base, and the logs before it
//! are removed.
//!
//! Commits go on meanwhile, in the next log. What is renamed or removed is
//! durable first, so whatever a crash cuts off here, either the old base and all
//! logs are there, or the new base and the log that follows it.

use std::sync::{Arc, atomic::Ordering};

use storage_core::{MaintenanceReport, Mark, Result};

use super::Upkeep;
use crate::{
    base::{self, Base},
    error::failed,
    files::FileName,
    log::{self, frame::Chain, record::StoreTag},
    shared::{Logged, Shared, State},
    version::VersionId,
};

/// The end of the logs that a new base takes the place of.
struct Turnover {
    state: State,
    store: StoreTag,
    /// The log that follows, and its chain behind its header.
    number: u64,
    chain: Chain,
    /// No version before this one is in the logs that follow.
    floor: VersionId,
    /// Where the log before it ends.
    end: Mark,
    /// The bytes of the logs up to there.
    log_bytes: u64,
}

impl Shared {
    /// Rewrites the base, and removes every file that is not needed.
    pub(crate) fn compact_all(&self) -> Result<MaintenanceReport> {
        let mut upkeep = self.upkeep();
        self.check_failure()?;
        let before = self.disk_bytes();
        self.compact(&mut upkeep)?;
        self.remove_dead(usize::MAX)?;
        self.remove_orphans()?;
        *self.upkeep_failure() = None;
        Ok(MaintenanceReport::of_disk_bytes(before, self.disk_bytes()))
    }

    /// Writes a new base and removes what it takes the place of.
    pub(crate) fn compact(&self, upkeep: &mut Upkeep) -> Result<()> {
        let turnover = self.turn_over()?;
        // A base says nothing of whether files are durable: they are.
        self.settle_files()?;
        if turnover.floor < turnover.state.logged.first {
            // The new logs may have versions that the base would take for its own.
            self.append_settled(turnover.floor)?;
        }
        self.sync()?;
        let number = turnover.number;
        let base = Base {
            store: turnover.store,
            number,
            log_chain: turnover.chain,
            next: turnover.state.logged.first,
            index: turnover.state.index,
            dead: self.dead_up_to(turnover.end),
        };
        let written = base.write(&self.data);
        let base_bytes = written.map_err(|error| failed("writing", &base::name(number), error))?;
        self.base_bytes.store(base_bytes, Ordering::Relaxed);
        self.log_bytes
            .fetch_sub(turnover.log_bytes, Ordering::Relaxed);
        self.compactions.fetch_add(1, Ordering::Relaxed);
        let old = upkeep.base..number;
        *upkeep = Upkeep::new(number);
        for old in old {
            // A base is there for the first of them only.
            for name in [base::name(old), log::name(old)] {
                let removed = self.data.remove(&name);
                removed.map_err(|error| failed("removing", &name, error))?;
            }
        }
        Ok(())
    }

    /// Begins the next log. Commits wait for no more than that.
    fn turn_over(&self) -> Result<Turnover> {
        let mut writer = self.writer();
        let end = writer.log.mark();
        let name = log::name(end.log + 1);
        let begin = || {
            // One may be left over from a turnover that failed.
            self.data.remove(&name)?;
            let file = Arc::new(self.data.create_log(&name)?);
            writer.log.next(file)
        };
        let log = begin().map_err(|error| failed("writing", &name, error))?;
        let header_bytes = log.mark().position;
        let first = self.versions.next();
        self.show(|state| {
            state.logged = Logged {
                first,
                ..Logged::default()
            };
        });
        let turnover = Turnover {
            state: self.state().clone(),
            store: log.store(),
            number: log.number(),
            chain: log.chain(),
            floor: self.versions.floor(),
            end,
            log_bytes: self.log_bytes.fetch_add(header_bytes, Ordering::Relaxed),
        };
        self.synced.begun(Arc::clone(log.file()), log.mark());
        writer.turn_to(log);
        Ok(turnover)
    }

    /// The files that no key refers to since `end`, and that are still there.
    fn dead_up_to(&self, end: Mark) -> Vec<FileName> {
        let removals = self.removals();
        let dead = removals.all().filter(|dead| dead.at <= end);
        dead.map(|dead| dead.name.clone()).collect()
    }
}
