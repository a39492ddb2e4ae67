//! Random histories: whatever is done to a store in whatever order, it answers
//! as an ordered map in memory would.
//!
//! A history is a list of steps, drawn from a seed and from what
//! the store offers: batches with guards, duplicate keys and range deletes,
//! expiring entries under a clock that is moved, scans with all kinds of pages,
//! snapshots that are compared later, closing and opening again. After each
//! step the whole store and every snapshot are compared with the
//! oracle, an ordered map, so a history ends at the very step that went
//! wrong. What is reported is that prefix, and what is left of it after
//! leaving out every step that the failure does not need.

pub(crate) mod answer;
mod config;
pub(crate) mod explore;
mod history;
pub(crate) mod oracle;
pub(crate) mod step;

pub use self::config::ModelConfig;
pub(crate) use self::config::{SEED_VARIABLE, seed_from_environment};

use storage_core::{Capabilities, Store};

use self::{explore::explore, history::History, step::Step};
use crate::{Bench, CaseResult, Failure, Subject, runner};

/// Runs random histories over stores that `make` makes places for, and panics
/// at the first that differs from an ordered map.
///
/// # Panics
/// If a history differs. The message gives the seed and the steps.
pub fn run<S: Subject>(make: impl Fn() -> S, config: &ModelConfig) {
    const NAME: &str = "random_histories_agree_with_an_ordered_map";
    if runner::is_chosen(S::ENGINE, NAME) {
        runner::report(S::ENGINE, NAME, check(make, config));
    }
}

/// What random histories say of a store, without panicking.
pub fn check<S: Subject>(make: impl Fn() -> S, config: &ModelConfig) -> CaseResult {
    runner::drive(async {
        let capabilities = capabilities(make()).await?;
        let histories = config.histories_over(&capabilities);
        let draw = |dice: &_| step::draw(dice, &capabilities);
        explore(histories, config, draw, async |steps| {
            play(&make, steps).await
        })
        .await
    })
}

/// What the histories may ask of stores like this one.
async fn capabilities<S: Subject>(subject: S) -> CaseResult<Capabilities> {
    let bench = Bench::new(subject);
    let store = bench.open().await?;
    let capabilities = store.capabilities().clone();
    store.close().await?;
    Ok(capabilities)
}

/// Plays the steps on a new store; an error tells the step that went wrong.
async fn play<S: Subject>(make: &impl Fn() -> S, steps: &[Step]) -> Result<(), (usize, Failure)> {
    let bench = Bench::new(make());
    let mut history = History::begin(&bench)
        .await
        .map_err(|failure| (0, failure))?;
    for (index, step) in steps.iter().enumerate() {
        history
            .take(step)
            .await
            .map_err(|failure| (index, failure))?;
    }
    history
        .end()
        .await
        .map_err(|failure| (steps.len().saturating_sub(1), failure))
}
