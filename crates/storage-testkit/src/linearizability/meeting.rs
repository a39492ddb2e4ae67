//! Meetings: how clients come to work at the same time.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Where clients wait for each other before they begin.
///
/// They keep their threads while they wait, so that each gets one of its own.
/// Tasks that are woken on one thread run there one after the other, and where a
/// store answers within microseconds, no operation would overlap another.
#[derive(Debug, Default)]
pub(super) struct Meeting {
    arrived: AtomicU32,
}

impl Meeting {
    /// On a runtime with fewer threads than clients, nobody waits for long.
    const TIME_MAX: Duration = Duration::from_millis(5);

    /// Waits until so many clients have come.
    pub(super) fn wait_for(&self, clients: u32) {
        self.arrived.fetch_add(1, Ordering::Relaxed);
        let start = Instant::now();
        while self.arrived.load(Ordering::Relaxed) < clients && start.elapsed() < Self::TIME_MAX {
            thread::yield_now();
        }
    }
}
