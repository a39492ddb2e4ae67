//! What a store says of itself: figures and health.

use std::sync::atomic::Ordering;

use storage_core::{Health, Stats, Unit};

use crate::{log, shared::Shared, wire::as_u64};

/// Snapshots that keep more files than these are worth a word.
const HELD_MANY: usize = 100_000;

impl Shared {
    pub(crate) fn stats(&self) -> Stats {
        let state = self.state().clone();
        let totals = state.index.totals();
        let (dead, dead_bytes) = self.removals().waiting();
        let held = self.removals().held();
        let (unsettled, _) = self.files.unsettled_sum();
        let compressed = totals.compressed;
        let mut figures = Stats::default();
        figures.entries_estimate = Some(totals.entries);
        figures.disk_bytes = Some(self.disk_bytes());
        figures
            .with("files", totals.files, Unit::Count)
            .with("value_bytes", totals.value_bytes, Unit::Bytes)
            .with("file_bytes", totals.file_bytes, Unit::Bytes)
            .with("compressed_files", compressed.files, Unit::Count)
            .with(
                "compressed_value_bytes",
                compressed.value_bytes,
                Unit::Bytes,
            )
            .with("compressed_file_bytes", compressed.file_bytes, Unit::Bytes)
            .with(
                "index_memory",
                as_u64(state.index.memory_bytes()),
                Unit::Bytes,
            )
            .with("base", self.base_bytes.load(Ordering::Relaxed), Unit::Bytes)
            .with("log", self.log_bytes.load(Ordering::Relaxed), Unit::Bytes)
            .with("log_changes", state.logged.changes, Unit::Count)
            .with(
                "log_changes_dead",
                state.logged.changes.saturating_sub(state.logged.live),
                Unit::Count,
            )
            .with("dead_files", as_u64(dead), Unit::Count)
            .with("dead_file_bytes", dead_bytes, Unit::Bytes)
            .with("dead_files_held", as_u64(held), Unit::Count)
            .with("unsettled_files", unsettled, Unit::Count)
            .with(
                "compactions",
                self.compactions.load(Ordering::Relaxed),
                Unit::Count,
            )
    }

    pub(crate) fn health(&self) -> Health {
        let mut health = Health::default();
        if let Err(error) = self.check_failure() {
            health = health.with("poisoned", error.message());
        }
        if let Some(failure) = &*self.upkeep_failure() {
            health = health.with("upkeep_failed", failure.as_str());
        }
        if let Some(cut) = self.cut {
            health = health.with(
                "log_cut",
                format!(
                    "when the store was opened, the last {} bytes from byte {} of data/{} on could \
                     not be read and were cut off; that is what a crash does to commits that were \
                     never synced. If there was none, look after the disk",
                    cut.bytes,
                    cut.at.position,
                    log::name(cut.at.log)
                ),
            );
        }
        let held = self.removals().held();
        if held > HELD_MANY {
            health = health.with(
                "snapshot_holds_files",
                format!(
                    "snapshots keep {held} files that no key refers to any more; drop those that \
                     are not needed"
                ),
            );
        }
        health
    }
}
