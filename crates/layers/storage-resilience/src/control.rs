//! What the layer tells of itself, and what it can be told.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use storage_core::{Stats, Unit};

use crate::{
    call::Shared,
    circuit::{Circuit, CircuitState},
};

/// The layer's own controls: `store.find::<ResilienceControl>()`. Clones are the
/// same.
#[derive(Clone, Debug)]
pub struct ResilienceControl {
    pub(crate) shared: Arc<Shared>,
}

impl ResilienceControl {
    /// Whether calls get through to the store.
    #[must_use]
    pub fn circuit(&self) -> CircuitState {
        let circuit = self.shared.circuit.as_ref();
        circuit.map_or(CircuitState::Closed, Circuit::state)
    }

    /// Lets all calls through again, whatever has failed so far.
    pub fn close_circuit(&self) {
        if let Some(circuit) = &self.shared.circuit {
            circuit.close();
        }
    }

    /// What the layer has counted since it was opened.
    #[must_use]
    pub fn stats(&self) -> ResilienceStats {
        let Shared {
            tally,
            limit,
            circuit,
            ..
        } = &*self.shared;
        ResilienceStats {
            retries: tally.retries.load(Ordering::Relaxed),
            time_outs: tally.time_outs.load(Ordering::Relaxed),
            throttled: tally.throttled.load(Ordering::Relaxed),
            refused: tally.refused.load(Ordering::Relaxed),
            circuit_openings: circuit.as_ref().map_or(0, Circuit::openings),
            in_flight: limit.in_flight(),
            waiting: limit.waiting(),
        }
    }
}

/// What the layer has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResilienceStats {
    /// Attempts that repeated a failed one.
    pub retries: u64,
    /// Attempts and waits that a time limit has ended.
    pub time_outs: u64,
    /// Calls refused because too many waited.
    pub throttled: u64,
    /// Attempts refused by the circuit.
    pub refused: u64,
    /// How often the circuit has opened.
    pub circuit_openings: u64,
    /// Attempts under way.
    pub in_flight: usize,
    /// Calls that wait until fewer are under way.
    pub waiting: usize,
}

impl ResilienceStats {
    /// Adds the counts to the figures of the store below.
    pub(crate) fn added_to(self, stats: Stats) -> Stats {
        [
            ("resilience_retries", self.retries),
            ("resilience_time_outs", self.time_outs),
            ("resilience_throttled", self.throttled),
            ("resilience_refused", self.refused),
            ("resilience_circuit_openings", self.circuit_openings),
        ]
        .into_iter()
        .fold(stats, |stats, (name, value)| {
            stats.with(name, value, Unit::Count)
        })
    }
}

/// The counters behind [`ResilienceStats`].
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) retries: AtomicU64,
    pub(crate) time_outs: AtomicU64,
    pub(crate) throttled: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// Counts one more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
