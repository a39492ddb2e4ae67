//! How things stand, and what has been counted.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use storage_core::{Clock, Stats, Timestamp, Unit};
use tokio::sync::watch;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FallbackState {
    /// The primary does.
    Primary,
    /// The primary is gone; it is looked for.
    Degraded {
        /// Since when, by the clock of the store.
        since: Timestamp,
    },
    /// The primary is back, and what was accepted meanwhile is written back.
    Returning {
        /// Since when the primary was gone.
        since: Timestamp,
    },
}

/// What the layer has counted since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FallbackStats {
    /// How often the primary was gone.
    pub outages: u64,
    /// Reads that were answered without the primary.
    pub served: u64,
    /// Reads and commits that failed because the primary was gone, or because
    /// they would have overtaken what is pending.
    pub refused: u64,
    /// Commits that the standby accepted.
    pub accepted: u64,
    /// Of those, the ones that the primary has.
    pub written_back: u64,
    /// Of those, the ones that were [abandoned](crate::FallbackControl::abandon).
    pub abandoned: u64,
}

#[derive(Debug)]
pub(crate) struct Status {
    clock: Clock,
    state: watch::Sender<FallbackState>,
    pub(crate) tally: Tally,
}

/// The counters behind [`FallbackStats`].
#[derive(Debug, Default)]
pub(crate) struct Tally {
    outages: AtomicU64,
    pub(crate) served: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) written_back: AtomicU64,
    pub(crate) abandoned: AtomicU64,
}

/// Adds to a counter.
pub(crate) fn count(counter: &AtomicU64, number: usize) {
    counter.fetch_add(u64::try_from(number).unwrap_or(u64::MAX), Ordering::Relaxed);
}

impl Status {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: watch::Sender::new(FallbackState::Primary),
            tally: Tally::default(),
        }
    }

    pub(crate) fn state(&self) -> FallbackState {
        *self.state.borrow()
    }

    /// For how long the primary has been gone, or behind: since it was noticed, or since the
    /// open that found commits pending; zero if it is neither.
    pub(crate) fn away_for(&self) -> Duration {
        match self.state() {
            FallbackState::Primary => Duration::ZERO,
            FallbackState::Degraded { since } | FallbackState::Returning { since } => {
                let now = self.clock.now().as_unix_milliseconds();
                Duration::from_millis(now.saturating_sub(since.as_unix_milliseconds()))
            }
        }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<FallbackState> {
        self.state.subscribe()
    }

    /// The primary is gone, or still so.
    pub(crate) fn degrade(&self) {
        let is_new = self.state.send_if_modified(|state| {
            let (next, is_new) = match *state {
                FallbackState::Degraded { .. } => return false,
                FallbackState::Returning { since } => (since, false),
                FallbackState::Primary => (self.clock.now(), true),
            };
            *state = FallbackState::Degraded { since: next };
            if is_new {
                self.tally.outages.fetch_add(1, Ordering::Relaxed);
            }
            true
        });
        if is_new {
            tracing::warn!("the primary is gone, or gone again");
        }
    }

    /// The primary is back, and something is to be written back.
    pub(crate) fn begin_return(&self) {
        let now = self.clock.now();
        let is_new = self.state.send_if_modified(|state| {
            let since = match *state {
                FallbackState::Returning { .. } => return false,
                FallbackState::Degraded { since } => since,
                FallbackState::Primary => now,
            };
            *state = FallbackState::Returning { since };
            true
        });
        if is_new {
            tracing::info!("the primary is back, and what was accepted is written back");
        }
    }

    /// The primary does everything again.
    pub(crate) fn end_return(&self) {
        let was = self.state.send_replace(FallbackState::Primary);
        if was != FallbackState::Primary {
            tracing::info!("the primary answers again");
        }
    }

    pub(crate) fn stats(&self) -> FallbackStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let tally = &self.tally;
        FallbackStats {
            outages: read(&tally.outages),
            served: read(&tally.served),
            refused: read(&tally.refused),
            accepted: read(&tally.accepted),
            written_back: read(&tally.written_back),
            abandoned: read(&tally.abandoned),
        }
    }
}

impl FallbackStats {
    /// Adds the counts to the figures of the store below.
    pub(crate) fn added_to(self, stats: Stats, pending: u64) -> Stats {
        [
            ("fallback_outages", self.outages),
            ("fallback_served", self.served),
            ("fallback_refused", self.refused),
            ("fallback_accepted", self.accepted),
            ("fallback_written_back", self.written_back),
            ("fallback_abandoned", self.abandoned),
            ("fallback_pending", pending),
        ]
        .into_iter()
        .fold(stats, |stats, (name, value)| {
            stats.with(name, value, Unit::Count)
        })
    }
}
