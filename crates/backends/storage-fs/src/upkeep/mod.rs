//! Upkeep: value files are made durable, dead ones removed, and the base is
//! rewritten; by a thread of the store, beside commits.

mod compact;
mod remove;
mod thread;

use std::sync::atomic::Ordering;

use storage_core::Result;

pub(crate) use self::thread::{UpkeepThread, Wakeup};
use crate::{FsConfig, shared::Shared, version::VersionId};

/// What only upkeep knows. Whoever holds it does all of it.
#[derive(Debug)]
pub(crate) struct Upkeep {
    /// The number of the base, and of the first log since.
    pub(crate) base: u64,
    /// After a compaction that failed, the next is tried when the logs have as
    /// many bytes; 0 otherwise.
    patience: u64,
}

/// How many bytes may gather before something is done about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    log: u64,
    unsettled: u64,
    dead: u64,
}

impl Limits {
    /// After a crash so many files are read to see whether they are whole. To
    /// settle more at once costs commits less.
    const UNSETTLED_MAX: u64 = 16_384;
    const UNSETTLED_BYTES_MAX: u64 = 256 << 20;

    /// So many dead files are removed together.
    const DEAD_MAX: usize = 256;
    const DEAD_BYTES_MAX: u64 = 8 << 20;

    pub(crate) fn of(config: &FsConfig) -> Self {
        let log = config.log_bytes_max;
        Self {
            log,
            unsettled: Self::UNSETTLED_BYTES_MAX.min(log.saturating_mul(4)),
            dead: Self::DEAD_BYTES_MAX.min(log),
        }
    }
}

impl Upkeep {
    pub(crate) const fn new(base: u64) -> Self {
        Self { base, patience: 0 }
    }
}

impl Shared {
    /// Wakes the thread of the store if there is something to do for it.
    pub(crate) fn wake_if_needed(&self) {
        if self.needs_shard()
            || self.needs_compaction()
            || self.needs_settling()
            || self.needs_removal()
        {
            self.wakeup.wake();
        }
    }

    /// Does what is to be done, and notes a failure.
    fn keep_up(&self) {
        // First, because puts will soon wait for it.
        self.open_shard_ahead();
        loop {
            let mut upkeep = self.upkeep();
            if self.check_failure().is_err() {
                return;
            }
            let done = self.keep_up_with(&mut upkeep);
            let has_failed = done.is_err();
            // A compaction that failed is an issue until one succeeds.
            if has_failed || upkeep.patience == 0 {
                *self.upkeep_failure() = done.err().map(|error| error.to_string());
            }
            // Others who wait for upkeep have their turn in between.
            drop(upkeep);
            if has_failed || !self.needs_removal() {
                return;
            }
        }
    }

    fn keep_up_with(&self, upkeep: &mut Upkeep) -> Result<()> {
        /// So many files are removed in one turn.
        const REMOVED_MAX: usize = 4_096;
        // First, because it makes room for all else.
        if self.needs_removal() {
            self.sync()?;
            self.remove_dead(REMOVED_MAX)?;
        }
        let log_bytes = self.log_bytes.load(Ordering::Relaxed);
        if self.needs_compaction() && log_bytes >= upkeep.patience {
            upkeep.patience = log_bytes + self.limits.log / 4;
            self.compact(upkeep)
        } else if self.needs_settling() {
            self.settle()
        } else {
            Ok(())
        }
    }

    /// Makes all value files durable, and says so in the log: after a crash they
    /// need not be looked at.
    pub(crate) fn settle(&self) -> Result<()> {
        // The files of all earlier commits are known to be unsettled, and no later
        // commit has an earlier version.
        let below = self.floor();
        self.settle_files()?;
        self.append_settled(below)
    }

    /// Makes all value files durable that were made before the call.
    fn settle_files(&self) -> Result<()> {
        self.surely("syncing", self.synced.sync_bare(&self.files))?;
        self.surely("syncing", self.files.sync_logged())
    }

    /// Leaves everything durable and nothing to do for the next open. Nothing is
    /// committed any more.
    pub(crate) fn wind_up(&self) -> Result<()> {
        let _upkeep = self.upkeep();
        // What is removed must not be needed any more after a loss of power.
        self.sync()?;
        self.remove_dead(usize::MAX)?;
        self.settle_files()?;
        if self.floor() == self.versions.next() {
            self.append_closed()?;
        } else {
            // Somebody is about to remove a file that was made in vain. Should that
            // not come about, the next open has to look for it.
            self.append_settled(self.floor())?;
        }
        self.sync()
    }

    /// No earlier version will be committed any more.
    fn floor(&self) -> VersionId {
        let _no_commit = self.writer();
        self.versions.floor()
    }

    fn needs_compaction(&self) -> bool {
        let base_bytes = self.base_bytes.load(Ordering::Relaxed);
        // As much is written to a base as has been to logs, or less.
        self.log_bytes.load(Ordering::Relaxed) > self.limits.log.max(base_bytes)
    }

    fn needs_settling(&self) -> bool {
        let (count, bytes) = self.files.unsettled_sum();
        count >= Limits::UNSETTLED_MAX || bytes >= self.limits.unsettled
    }

    fn needs_removal(&self) -> bool {
        let (count, bytes) = self.removals().waiting();
        let is_tight = self.is_tight.load(Ordering::Relaxed) && count > 0;
        is_tight || count >= Limits::DEAD_MAX || bytes >= self.limits.dead
    }
}
