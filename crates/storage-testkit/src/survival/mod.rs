//! Certifies a layer against faults: whatever the store below it answers, the
//! layer tells no lie and loses nothing.
//!
//! [`survives_faults!`](crate::survives_faults) takes what puts the layer on a
//! [`FaultyMemory`], and makes a test of each [case](cases), and one of
//! [random histories](run_histories) with random faults.
//!
//! ```
//! use storage_core::{Stack, layer::PassThrough};
//! use storage_testkit::storage_core;
//!
//! storage_testkit::survives_faults!(|below, components| async move {
//!     Stack::on(below)
//!         .with(PassThrough)
//!         .components(components)
//!         .open()
//!         .await
//! });
//! ```
//!
//! A layer may well do better than the store below it: it may answer a read
//! from what it holds, or repeat a commit that was not applied. It may not
//! repeat one whose outcome is unknown, unless that changes nothing.

mod belief;
pub mod cases;
mod history;
mod list;
mod scene;
mod turn;
mod view;

use std::{cell::Cell, future::Future};

use storage_core::{Components, Result, Store, memory::MemoryBackend};

pub use self::scene::Scene;
use self::{history::History, turn::Turn};
use crate::{
    CaseResult, Failure,
    failure::ensure,
    faulty::FaultyStore,
    model::{ModelConfig, explore::explore},
    runner,
};

/// The store below a layer under test.
pub type FaultyMemory = FaultyStore<MemoryBackend>;

/// How to put layers on a faulty store: any
/// `Fn(FaultyMemory, Components) -> impl Future<Output = Result<impl Store>>`.
pub trait Layered: Sync {
    /// What the layers make of the store below.
    type Store: Store;

    /// Puts the layers on `below`.
    fn layer(
        &self,
        below: FaultyMemory,
        components: Components,
    ) -> impl Future<Output = Result<Self::Store>>;
}

impl<F, Opening, S> Layered for F
where
    F: Fn(FaultyMemory, Components) -> Opening + Sync,
    Opening: Future<Output = Result<S>>,
    S: Store,
{
    type Store = S;

    fn layer(
        &self,
        below: FaultyMemory,
        components: Components,
    ) -> impl Future<Output = Result<S>> {
        self(below, components)
    }
}

/// Runs the case called `name` on a new scene, and panics if the layers fail it.
///
/// # Panics
/// If they do.
pub fn run<L: Layered>(
    name: &str,
    layered: &L,
    case: impl AsyncFnOnce(&Scene<L::Store>) -> CaseResult,
) {
    runner::report("the layer", name, verdict(layered, case));
}

/// What a case says of layers, without panicking.
pub fn verdict<L: Layered>(
    layered: &L,
    case: impl AsyncFnOnce(&Scene<L::Store>) -> CaseResult,
) -> CaseResult {
    runner::drive(runner::in_time(async {
        let scene = Scene::open(layered).await?;
        case(&scene).await
    }))
}

/// Runs random histories with random faults, and panics at the first that shows
/// what no answer allows.
///
/// # Panics
/// If a history does. The message gives the seed and the steps.
pub fn run_histories<L: Layered>(layered: &L, config: &ModelConfig) {
    const NAME: &str = "random_faults_lead_to_no_state_that_the_answers_rule_out";
    runner::report("the layer", NAME, check_histories(layered, config));
}

/// What random histories with random faults say of layers, without panicking.
pub fn check_histories<L: Layered>(layered: &L, config: &ModelConfig) -> CaseResult {
    runner::drive(async {
        let scene = Scene::open(layered).await?;
        let capabilities = turn::offered(scene.store.capabilities());
        let injected = Cell::new(0_u64);
        let draw = |dice: &_| turn::draw(dice, &capabilities);
        let histories = config.histories.unwrap_or(ModelConfig::HISTORIES);
        explore(histories, config, draw, async |turns| {
            play(layered, turns, &injected).await
        })
        .await?;
        ensure!(
            injected.get() > 0 || histories == 0,
            "no fault has happened: the layer never asked the store below it"
        );
        Ok(())
    })
}

/// Plays the turns on a new scene; an error tells the turn that went wrong.
async fn play<L: Layered>(
    layered: &L,
    turns: &[Turn],
    injected: &Cell<u64>,
) -> Result<(), (usize, Failure)> {
    let scene = Scene::open(layered).await.map_err(|failure| (0, failure))?;
    let mut history = History::begin(&scene);
    for (index, turn) in turns.iter().enumerate() {
        runner::in_time(history.take(turn))
            .await
            .map_err(|failure| (index, failure))?;
    }
    injected.set(injected.get() + scene.faults.injected());
    runner::in_time(history.end())
        .await
        .map_err(|failure| (turns.len().saturating_sub(1), failure))
}
