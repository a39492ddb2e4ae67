//! The layer over a memory store that fails as directed.

use std::{
    future::{Future, poll_fn},
    num::NonZeroU32,
    pin::Pin,
    task::Poll,
};

use storage_core::{
    Components, Executor, Job, Result, SeededRandom, Stack, StoreExt,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_resilience::{
    CircuitConfig, ResilienceConfig, ResilienceControl, ResilienceLayer, ResilienceStats, Resilient,
};
use storage_testkit::faulty::{Call, Faults, FaultyStore};

pub(crate) type Store = Resilient<FaultyStore<MemoryBackend>>;

/// The store under test and the handle of its faults.
pub(crate) struct Scene {
    pub(crate) store: Store,
    pub(crate) faults: Faults,
}

impl Scene {
    /// Opens the layer with these settings.
    pub(crate) async fn open(config: ResilienceConfig) -> Self {
        let faults = Faults::new();
        let components = Components::default()
            .with_executor(AtOnce)
            .with_random(SeededRandom::new(7));
        let memory = MemoryConfig::new().open_with(&components);
        let store = Stack::on(FaultyStore::new(memory, &faults))
            .with(ResilienceLayer::new(config))
            .components(components)
            .open()
            .await
            .unwrap();
        Self { store, faults }
    }

    pub(crate) fn control(&self) -> &ResilienceControl {
        self.store.find::<ResilienceControl>().unwrap()
    }

    pub(crate) fn stats(&self) -> ResilienceStats {
        self.control().stats()
    }

    /// How often the store below was asked since `before`.
    pub(crate) fn calls_since(&self, call: Call, before: u64) -> u64 {
        self.faults.calls(call) - before
    }
}

/// `count`, where a setting must not be zero.
pub(crate) fn times(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap()
}

/// Settings without a circuit, so that it does not get in the way.
pub(crate) fn without_circuit() -> ResilienceConfig {
    ResilienceConfig::new().circuit(None)
}

/// Settings that try once, with this circuit.
pub(crate) fn with_circuit(circuit: CircuitConfig) -> ResilienceConfig {
    ResilienceConfig::new()
        .attempts_max(times(1))
        .circuit(circuit)
}

/// The answer of `work`, if one poll gives it.
pub(crate) async fn poll_once<F: Future>(mut work: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| {
        Poll::Ready(match work.as_mut().poll(context) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        })
    })
    .await
}

/// Runs jobs at once, on the caller's thread: a clock that is paused moves on
/// while everybody waits for another.
#[derive(Debug)]
struct AtOnce;

impl Executor for AtOnce {
    fn execute(&self, job: Job) -> Result<()> {
        job();
        Ok(())
    }
}
