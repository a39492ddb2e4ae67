//! Meetings: how clients come to work at the same time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Where the clients of a history wait for each other now and then.
///
/// They meet between the call of an operation and what the store does about it,
/// so the operations of one meeting are all under way at once, however quickly
/// the store answers and however few cores are free; and they go on together, so
/// that their threads meet in the store, too.
#[derive(Debug)]
pub(super) struct Meeting {
    clients: u32,
    arrived: AtomicU32,
}

/// A client's place in one round of a [`Meeting`]. Leaving it counts as having
/// come: nobody waits for a client whose step asks nothing.
#[derive(Debug)]
pub(super) struct Place {
    meeting: Arc<Meeting>,
    round: u32,
    has_come: bool,
}

impl Meeting {
    pub(super) const fn new(clients: u32) -> Self {
        Self {
            clients,
            arrived: AtomicU32::new(0),
        }
    }

    /// A place in the round of this number, counted from 1. Each client takes
    /// one in every round.
    pub(super) fn place(self: &Arc<Self>, round: u32) -> Place {
        Place {
            meeting: Arc::clone(self),
            round,
            has_come: false,
        }
    }

    fn are_all_here(&self, round: u32) -> bool {
        self.arrived.load(Ordering::Acquire) >= round.saturating_mul(self.clients)
    }
}

impl Place {
    /// Clients keep their threads this long, so that each has one of its own
    /// when all are there: tasks that are woken on one thread run there one
    /// after the other.
    const THREAD_KEPT: Duration = Duration::from_millis(5);

    /// Nobody waits any longer for a client that waits for the store.
    const TIME_MAX: Duration = Duration::from_millis(500);

    /// Waits until every client has come to this round.
    pub(super) async fn meet(mut self) {
        self.come();
        let start = Instant::now();
        while !self.meeting.are_all_here(self.round) && start.elapsed() < Self::TIME_MAX {
            thread::yield_now();
            if start.elapsed() >= Self::THREAD_KEPT {
                tokio::task::yield_now().await;
            }
        }
    }

    fn come(&mut self) {
        if !self.has_come {
            self.has_come = true;
            self.meeting.arrived.fetch_add(1, Ordering::Release);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.come();
    }
}
