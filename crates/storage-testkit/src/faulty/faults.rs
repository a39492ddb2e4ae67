//! The handle by which a test directs a faulty store.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use storage_core::{
    Components, ErrorKind, Result, SeededRandom, Store,
    layer::{Layer, LayerDeclaration, phase::Anywhere},
};

use super::{
    FaultyStore, Rule,
    call::{Call, Touched},
    fault::{Fault, NAME, Until},
    tally::Tally,
};

/// Directs the [`FaultyStore`]s made with it. Clones are the same handle.
///
/// It is a [`Layer`] too: `Stack::on(engine).with(faults.clone())` puts a
/// faulty store anywhere in a stack, and
/// [`find`](storage_core::StoreExt::find) gives it back.
#[derive(Clone, Debug)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    random: SeededRandom,
    state: Mutex<State>,
    /// Held and late commits, of all stores.
    background: Tally,
}

#[derive(Debug, Default)]
struct State {
    /// In the order in which they were given.
    injections: Vec<Injection>,
    /// How often each call was made.
    calls: BTreeMap<Call, u64>,
    /// What each fault that has happened made its call fail with, if anything.
    happened: Vec<Option<ErrorKind>>,
}

impl Faults {
    /// No faults yet; chances are drawn from the seed 1.
    #[must_use]
    pub fn new() -> Self {
        Self::seeded(1)
    }

    /// No faults yet; chances are drawn from `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            shared: Arc::new(Shared {
                random: SeededRandom::new(seed),
                state: Mutex::default(),
                background: Tally::new(),
            }),
        }
    }

    /// Makes `fault` happen to the calls of `rule`, until it is withdrawn. Of
    /// several rules that apply to a call, the first given wins; the others
    /// count the call all the same.
    ///
    /// # Errors
    /// `Invalid` if the contract of a store does not let `fault` happen to these
    /// calls, or if the rule can never apply.
    pub fn inject(&self, rule: Rule, fault: Fault) -> Result<Injection> {
        rule.check(&fault)?;
        let injection = Injection(Arc::new(Injected {
            rule,
            fault,
            fitting: AtomicU64::new(0),
            times: AtomicU64::new(0),
        }));
        self.state().injections.push(injection.clone());
        Ok(injection)
    }

    /// Ends one fault: it happens no more, and calls that it holds at a gate go
    /// on.
    pub fn withdraw(&self, injection: &Injection) {
        self.state()
            .injections
            .retain(|other| !Arc::ptr_eq(&other.0, &injection.0));
        injection.release();
    }

    /// Ends all faults: none happens any more, and what they hold at gates goes
    /// on.
    pub fn withdraw_all(&self) {
        let ended = std::mem::take(&mut self.state().injections);
        for injection in ended {
            injection.release();
        }
    }

    /// Waits until every commit that was held or put off has been made or has
    /// failed. One at a gate that stays shut is waited for as long.
    pub async fn settled(&self) {
        self.shared.background.none().await;
    }

    /// How often `call` was made, with a fault or without.
    #[must_use]
    pub fn calls(&self, call: Call) -> u64 {
        self.state().calls.get(&call).copied().unwrap_or(0)
    }

    /// How many faults have happened, withdrawn ones among them.
    #[must_use]
    pub fn injected(&self) -> u64 {
        u64::try_from(self.state().happened.len()).unwrap_or(u64::MAX)
    }

    /// What calls failed with, by the faults that have happened after the first
    /// `count`.
    pub(crate) fn kinds_after(&self, count: u64) -> Vec<ErrorKind> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let state = self.state();
        state
            .happened
            .iter()
            .skip(count)
            .copied()
            .flatten()
            .collect()
    }

    /// Counts a call, and finds the fault that happens to it.
    pub(super) fn strike(&self, call: Call, touched: Touched<'_>) -> Option<Injection> {
        let mut state = self.state();
        *state.calls.entry(call).or_default() += 1;
        let mut struck = None;
        for injection in &state.injections {
            let Injected { rule, fitting, .. } = &*injection.0;
            if rule.fits(call, touched) {
                let number = fitting.fetch_add(1, Ordering::Relaxed) + 1;
                if struck.is_none() && rule.strikes(number, &self.shared.random) {
                    struck = Some(injection.clone());
                }
            }
        }
        struck
    }

    /// Counts a fault that has happened.
    pub(super) fn happened(&self, injection: &Injection) {
        injection.0.times.fetch_add(1, Ordering::Relaxed);
        self.state().happened.push(injection.fault().error_kind());
    }

    /// Whether a fault waits for a timer.
    pub(super) fn need_timers(&self) -> bool {
        let waits =
            |injection: &Injection| matches!(injection.fault().until(), Some(Until::Elapsed(_)));
        self.state().injections.iter().any(waits)
    }

    pub(super) fn background(&self) -> &Tally {
        &self.shared.background
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for Faults {
    type Phase = Anywhere;
    type Store<S: Store> = FaultyStore<S>;

    fn declaration(&self) -> LayerDeclaration {
        LayerDeclaration::new(NAME)
    }

    async fn wrap<S: Store>(self, inner: S, _: &Components) -> Result<FaultyStore<S>> {
        Ok(FaultyStore::new(inner, &self))
    }
}

/// A fault that was injected: tells how often it has happened.
#[derive(Clone, Debug)]
pub struct Injection(Arc<Injected>);

#[derive(Debug)]
struct Injected {
    rule: Rule,
    fault: Fault,
    /// How many calls fitted the rule.
    fitting: AtomicU64,
    times: AtomicU64,
}

impl Injection {
    /// How often the fault has happened.
    #[must_use]
    pub fn times(&self) -> u64 {
        self.0.times.load(Ordering::Relaxed)
    }

    pub(super) fn fault(&self) -> &Fault {
        &self.0.fault
    }

    fn release(&self) {
        if let Some(Until::Opened(gate)) = self.fault().until() {
            gate.open();
        }
    }
}
