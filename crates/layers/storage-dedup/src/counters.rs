//! What is counted while values are written and chunks are collected.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::{CollectReport, DedupStats};

/// The counters of a layer.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    inline_values: AtomicU64,
    referring_values: AtomicU64,
    logical_bytes: AtomicU64,
    stored_bytes: AtomicU64,
    duplicates: AtomicU64,
    passes: Mutex<(u64, Option<CollectReport>)>,
    failure: Mutex<Option<String>>,
}

impl Counters {
    pub(crate) fn inline_values(&self, count: usize) {
        add(&self.inline_values, count);
    }

    /// Takes note of a commit of values that refer to chunks.
    pub(crate) fn referring(&self, values: usize, bytes: usize) {
        add(&self.referring_values, values);
        add(&self.logical_bytes, bytes);
    }

    /// Takes note of a chunk that was written.
    pub(crate) fn stored(&self, bytes: usize) {
        add(&self.stored_bytes, bytes);
    }

    /// Takes note of chunks that were there already.
    pub(crate) fn duplicates(&self, count: usize) {
        add(&self.duplicates, count);
    }

    pub(crate) fn passed(&self, report: CollectReport) {
        let mut passes = self.passes.lock().unwrap_or_else(PoisonError::into_inner);
        *passes = (passes.0 + 1, Some(report));
    }

    /// Takes note of why the last pass failed, or of what it left out, if it did.
    pub(crate) fn set_failure(&self, failure: Option<String>) {
        *self.failure() = failure;
    }

    fn failure(&self) -> MutexGuard<'_, Option<String>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stats(&self) -> DedupStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (passes, last_pass) = *self.passes.lock().unwrap_or_else(PoisonError::into_inner);
        DedupStats {
            inline_values: of(&self.inline_values),
            referring_values: of(&self.referring_values),
            logical_bytes: of(&self.logical_bytes),
            stored_bytes: of(&self.stored_bytes),
            duplicates: of(&self.duplicates),
            passes,
            last_pass,
            failure: self.failure().clone(),
        }
    }
}

fn add(counter: &AtomicU64, count: usize) {
    if count > 0 {
        counter.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
