//! How far the thread of a proxy has come with what it was told.

use std::{
    collections::BTreeMap,
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::faults::Newcomers;
use crate::servers::{ServerError, ServerResult};

/// The thread gets to everything at once; if it has not by then, it hangs.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Shared by the proxy and its thread.
#[derive(Debug)]
pub(super) struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// What happens to new connections right now.
    newcomers: Newcomers,
    /// Why the port could not be listened at again.
    failure: Option<io::Error>,
    /// By the number of each open connection, how often all were cut before it.
    open: BTreeMap<u64, u64>,
    /// The number of the next connection.
    next: u64,
}

/// An open connection; dropping it notes that it has ended.
#[derive(Debug)]
pub(super) struct Open<'a> {
    progress: &'a Progress,
    number: u64,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                newcomers: Newcomers::Refused,
                failure: None,
                open: BTreeMap::new(),
                next: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Notes a connection that came after all were cut `cuts` times.
    pub(super) fn open(&self, cuts: u64) -> Open<'_> {
        let mut state = self.lock();
        let number = state.next;
        state.next = number.wrapping_add(1);
        state.open.insert(number, cuts);
        Open {
            progress: self,
            number,
        }
    }

    /// Notes what happens to new connections from now on, or why it cannot.
    pub(super) fn newcomers(&self, are: io::Result<Newcomers>) {
        let mut state = self.lock();
        match are {
            Ok(are) => (state.newcomers, state.failure) = (are, None),
            Err(error) => state.failure = Some(error),
        }
        self.changed.notify_all();
    }

    /// How many connections are open.
    pub(super) fn connections(&self) -> usize {
        self.lock().open.len()
    }

    /// Waits until new connections are dealt with like that.
    pub(super) fn wait_for_newcomers(&self, to_be: Newcomers) -> ServerResult {
        let state = self.wait(|state| state.newcomers != to_be && state.failure.is_none());
        let Some(mut state) = state else {
            return Err(hangs());
        };
        match state.failure.take() {
            Some(error) => Err(ServerError::system("listen on the port of a proxy")(error)),
            None => Ok(()),
        }
    }

    /// Waits until no connection is left that came before all were cut `cuts`
    /// times.
    pub(super) fn wait_for_cut(&self, cuts: u64) -> ServerResult {
        let cut = self.wait(|state| state.open.values().any(|before| *before != cuts));
        cut.map(drop).ok_or_else(hangs)
    }

    fn wait(&self, unfinished: impl Fn(&State) -> bool) -> Option<MutexGuard<'_, State>> {
        let (state, waited) = self
            .changed
            .wait_timeout_while(self.lock(), TIME_MAX, |state| unfinished(state))
            .unwrap_or_else(PoisonError::into_inner);
        (!waited.timed_out()).then_some(state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.progress.lock().open.remove(&self.number);
        self.progress.changed.notify_all();
    }
}

fn hangs() -> ServerError {
    ServerError::TooSlow {
        task: "a proxy".to_owned(),
        waited: TIME_MAX,
        log: String::new(),
    }
}
