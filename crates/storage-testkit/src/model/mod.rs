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

mod answer;
mod config;
mod history;
mod oracle;
mod step;

pub use self::config::ModelConfig;

use storage_core::{Capabilities, Store};

use self::{history::History, step::Step};
use crate::{Bench, CaseResult, Failure, Subject, dice::Dice, runner};

/// Runs random histories over stores that `make` makes places for, and panics
/// at the first that differs from an ordered map.
///
/// # Panics
/// If a history differs. The message gives the seed and the steps.
pub fn run<S: Subject>(make: impl Fn() -> S, config: &ModelConfig) {
    const NAME: &str = "random_histories_agree_with_an_ordered_map";
    if runner::is_chosen(S::ENGINE, NAME) {
        runner::report::<S>(NAME, check(make, config));
    }
}

/// What random histories say of a store, without panicking.
pub fn check<S: Subject>(make: impl Fn() -> S, config: &ModelConfig) -> CaseResult {
    runner::drive(async {
        let capabilities = capabilities(make()).await?;
        for number in 0..config.histories_over(&capabilities) {
            let seed = config.seed.wrapping_add(number);
            let dice = Dice::new(seed);
            let steps: Vec<_> = (0..config.operations)
                .map(|_| step::draw(&dice, &capabilities))
                .collect();
            if let Err((failed_at, failure)) = play(&make, &steps).await {
                let prefix = steps.get(..=failed_at).unwrap_or(&steps);
                let needed = shrink(&make, prefix).await;
                return Err(failure.within(report(seed, prefix.len(), &needed)));
            }
        }
        Ok(())
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

/// Leaves out, from the end on, each step without which the rest still fails.
async fn shrink<S: Subject>(make: &impl Fn() -> S, failing: &[Step]) -> Vec<Step> {
    let mut needed = failing.to_vec();
    for index in (0..failing.len()).rev() {
        let mut fewer = needed.clone();
        fewer.remove(index);
        if play(make, &fewer).await.is_err() {
            needed = fewer;
        }
    }
    needed
}

fn report(seed: u64, prefix: usize, needed: &[Step]) -> String {
    use std::fmt::Write as _;
    let mut text = format!(
        "the history of seed {seed} fails at its step {prefix}; replay it with \
         {}={seed} {}=1\n  these steps are enough:\n",
        config::SEED_VARIABLE,
        config::HISTORIES_VARIABLE,
    );
    for (number, step) in (1..).zip(needed) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {number:3}. {step:?}");
    }
    text
}
