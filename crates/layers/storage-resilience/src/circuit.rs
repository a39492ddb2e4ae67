//! The circuit breaker: leaves a store alone that does not answer (Nygard,
//! *Release It!*, 2007).
//!
//! Attempts are counted in a window that begins with a failure, so where nothing
//! fails, nothing is counted and no clock is read.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use storage_core::{Error, ErrorKind};
use tokio::time::Instant;

use crate::{config::CircuitConfig, timers::after};

/// How long a caller is asked to wait while a trial is under way.
const TRIAL_WAIT: Duration = Duration::from_millis(100);

/// Whether calls get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CircuitState {
    /// They do.
    Closed,
    /// They are refused.
    Open {
        /// For how long yet.
        remaining: Duration,
    },
    /// Trials get through, others are refused until those have succeeded.
    HalfOpen,
}

#[derive(Debug)]
pub(crate) struct Circuit {
    config: CircuitConfig,
    /// Grows each time the circuit opens or closes: even while it is closed.
    epoch: AtomicU64,
    /// Whether a window is under way.
    is_counting: AtomicBool,
    /// Attempts of the window that succeeded.
    successes: AtomicU64,
    openings: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Closed { window: Option<Window> },
    Open { until: Instant },
    HalfOpen { under_way: u32, passed: u32 },
}

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Instant,
    failures: u64,
}

impl Circuit {
    pub(crate) const fn new(config: CircuitConfig) -> Self {
        Self {
            config,
            epoch: AtomicU64::new(0),
            is_counting: AtomicBool::new(false),
            successes: AtomicU64::new(0),
            openings: AtomicU64::new(0),
            state: Mutex::new(State::Closed { window: None }),
        }
    }

    /// Lets an attempt through, or says how long to wait.
    #[inline]
    pub(crate) fn admit(&self) -> Result<Admission<'_>, Duration> {
        let epoch = self.epoch.load(Ordering::Acquire);
        if epoch.is_multiple_of(2) {
            return Ok(Admission::new(self, epoch));
        }
        self.admit_trial()
    }

    /// How long to wait, if an attempt would be refused now.
    pub(crate) fn refuses(&self) -> Option<Duration> {
        match self.state() {
            CircuitState::Open { remaining } => Some(remaining),
            CircuitState::Closed | CircuitState::HalfOpen => None,
        }
    }

    pub(crate) fn state(&self) -> CircuitState {
        if self.epoch.load(Ordering::Acquire).is_multiple_of(2) {
            return CircuitState::Closed;
        }
        match *self.lock() {
            State::Closed { .. } => CircuitState::Closed,
            State::HalfOpen { .. } => CircuitState::HalfOpen,
            State::Open { until } => match until.saturating_duration_since(Instant::now()) {
                Duration::ZERO => CircuitState::HalfOpen,
                remaining => CircuitState::Open { remaining },
            },
        }
    }

    /// Lets everything through again.
    pub(crate) fn close(&self) {
        self.enter_closed(&mut self.lock());
    }

    /// How often the circuit has opened.
    pub(crate) fn openings(&self) -> u64 {
        self.openings.load(Ordering::Relaxed)
    }

    fn admit_trial(&self) -> Result<Admission<'_>, Duration> {
        let mut state = self.lock();
        // Under the lock, the epoch is that of the state.
        let epoch = self.epoch.load(Ordering::Acquire);
        let (under_way, passed) = match *state {
            State::Closed { .. } => return Ok(Admission::new(self, epoch)),
            State::Open { until } => match until.saturating_duration_since(Instant::now()) {
                Duration::ZERO => (0, 0),
                remaining => return Err(remaining),
            },
            State::HalfOpen { under_way, passed } => (under_way, passed),
        };
        if under_way + passed >= self.config.trials.get() {
            return Err(TRIAL_WAIT);
        }
        *state = State::HalfOpen {
            under_way: under_way + 1,
            passed,
        };
        Ok(Admission::new(self, epoch))
    }

    /// Counts an attempt that failed while the circuit was closed.
    fn failed(&self, state: &mut State) {
        let State::Closed { window } = state else {
            return;
        };
        let now = Instant::now();
        let current = window
            .filter(|window| now.saturating_duration_since(window.began) < self.config.window);
        let mut current = current.unwrap_or_else(|| {
            self.successes.store(0, Ordering::Relaxed);
            Window {
                began: now,
                failures: 0,
            }
        });
        current.failures += 1;
        *window = Some(current);
        self.is_counting.store(true, Ordering::Relaxed);
        let successes = self.successes.load(Ordering::Relaxed);
        let attempts = current.failures.saturating_add(successes);
        let share = u64::from(self.config.failures_percent);
        if current.failures >= u64::from(self.config.failures_min.get())
            && current.failures.saturating_mul(100) >= attempts.saturating_mul(share)
        {
            self.open(state);
        }
    }

    fn open(&self, state: &mut State) {
        *state = State::Open {
            until: after(Instant::now(), self.config.open_for),
        };
        self.openings.fetch_add(1, Ordering::Relaxed);
        // Trials of an earlier opening no longer count.
        let epoch = self.epoch.load(Ordering::Acquire);
        let step = if epoch.is_multiple_of(2) { 1 } else { 2 };
        self.epoch.store(epoch + step, Ordering::Release);
    }

    fn enter_closed(&self, state: &mut State) {
        *state = State::Closed { window: None };
        self.is_counting.store(false, Ordering::Relaxed);
        let epoch = self.epoch.load(Ordering::Acquire);
        if !epoch.is_multiple_of(2) {
            self.epoch.store(epoch + 1, Ordering::Release);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt that got through. Dropped without an answer, it counts as none.
#[derive(Debug)]
pub(crate) struct Admission<'a> {
    circuit: &'a Circuit,
    epoch: u64,
}

impl<'a> Admission<'a> {
    const fn new(circuit: &'a Circuit, epoch: u64) -> Self {
        Self { circuit, epoch }
    }

    /// Takes note of what the attempt came to.
    #[inline]
    pub(crate) fn end(self, error: Option<&Error>) {
        let circuit = self.circuit;
        let is_failure = error.is_some_and(is_failure);
        if !is_failure && self.epoch.is_multiple_of(2) {
            if circuit.is_counting.load(Ordering::Relaxed) {
                circuit.successes.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        self.weigh(is_failure);
    }

    /// Takes note of a failure, or of what a trial came to.
    fn weigh(&self, is_failure: bool) {
        let circuit = self.circuit;
        let mut state = circuit.lock();
        if circuit.epoch.load(Ordering::Acquire) != self.epoch {
            // It began before the circuit last opened or closed.
            return;
        }
        match (&mut *state, is_failure) {
            (State::HalfOpen { .. }, true) => circuit.open(&mut state),
            (State::HalfOpen { passed, .. }, false) => {
                *passed += 1;
                if *passed >= circuit.config.trials.get() {
                    circuit.enter_closed(&mut state);
                }
            }
            (_, true) => circuit.failed(&mut state),
            (_, false) => {}
        }
    }
}

impl Admission<'_> {
    /// Makes room for another trial.
    fn leave(&self) {
        let mut state = self.circuit.lock();
        if let State::HalfOpen { under_way, .. } = &mut *state
            && self.circuit.epoch.load(Ordering::Acquire) == self.epoch
        {
            *under_way -= 1;
        }
    }
}

impl Drop for Admission<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.epoch.is_multiple_of(2) {
            self.leave();
        }
    }
}

/// Whether an error says that the store may be gone. A lock that another process
/// holds is no such sign: reads go on beside it.
fn is_failure(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut) && !error.is_foreign_lock()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_another_process_holds_is_no_sign_of_a_store_that_is_gone() {
        let error = Error::new(ErrorKind::Unavailable, "x");
        assert!(is_failure(&error));
        assert!(!is_failure(&error.with_foreign_lock()));
    }
}
