//! Where a case works: layers over a faulty store, and the handle of its faults.

use std::time::Duration;

use storage_core::{
    Components, ErrorKind, ManualClock, SeededRandom, Timestamp, memory::MemoryConfig,
};
use tokio::time::timeout;

use super::{FaultyMemory, Layered};
use crate::{
    CaseResult, Failure,
    faulty::{Call, Fault, Faults, FaultyStore, Gate, Injection, Rule},
};

/// Layers over a faulty store, new and empty, and the handle of its faults.
#[derive(Debug)]
pub struct Scene<S> {
    /// The layers.
    pub store: S,
    /// What happens to the store below them.
    pub faults: Faults,
    /// The store below.
    pub below: FaultyMemory,
    pub(super) clock: ManualClock,
}

impl<S> Scene<S> {
    /// What does not come within this time is stuck.
    const PATIENCE: Duration = Duration::from_secs(10);

    pub(super) async fn open<L: Layered<Store = S>>(layered: &L) -> CaseResult<Self> {
        let clock = ManualClock::at(Timestamp::from_unix_milliseconds(1_700_000_000_000));
        let components = Components::default()
            .with_clock(clock.clone())
            .with_random(SeededRandom::new(7));
        let faults = Faults::new();
        let below = FaultyStore::new(MemoryConfig::new().open_with(&components), &faults);
        Ok(Self {
            store: layered.layer(below.clone(), components).await?,
            faults,
            below,
            clock,
        })
    }

    /// Makes every call of this kind fail as `kind`.
    pub(super) fn refuse(&self, call: Call, kind: ErrorKind) -> CaseResult<Injection> {
        Ok(self.faults.inject(Rule::on(call), Fault::refuse(kind))?)
    }

    /// Makes this happen to the next commit.
    pub(super) fn next_commit(&self, fault: Fault) -> CaseResult<Injection> {
        Ok(self.faults.inject(Rule::on(Call::Commit).nth(1), fault)?)
    }

    /// Holds the next call of this kind at a gate.
    pub(super) fn stall(&self, call: Call) -> CaseResult<Gate> {
        let gate = Gate::new();
        self.faults
            .inject(Rule::on(call).nth(1), Fault::hold(&gate))?;
        Ok(gate)
    }

    /// Ends all faults, and waits for what they put off.
    pub(super) async fn recover(&self) -> CaseResult {
        self.faults.withdraw_all();
        Self::soon("the end of late commits", self.faults.settled()).await
    }

    /// What must come soon.
    pub(super) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> CaseResult<T> {
        timeout(Self::PATIENCE, work)
            .await
            .map_err(|_| Failure::new(format!("{what}: not within {:?}", Self::PATIENCE)))
    }
}
