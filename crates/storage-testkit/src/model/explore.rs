//! Exploring: histories from many seeds, and what is left of one that fails.

use std::{fmt, fmt::Write as _};

use super::{
    ModelConfig,
    config::{HISTORIES_VARIABLE, SEED_VARIABLE},
};
use crate::{CaseResult, Failure, dice::Dice};

/// Plays `histories` histories of steps that `draw` draws. `play` returns, for
/// one that fails, the index of the step that went wrong.
pub(crate) async fn explore<T: Clone + fmt::Debug>(
    histories: u64,
    config: &ModelConfig,
    draw: impl Fn(&Dice) -> T,
    play: impl AsyncFn(&[T]) -> Result<(), (usize, Failure)>,
) -> CaseResult {
    for number in 0..histories {
        let seed = config.seed.wrapping_add(number);
        let dice = Dice::new(seed);
        let steps: Vec<_> = (0..config.operations).map(|_| draw(&dice)).collect();
        if let Err((failed_at, failure)) = play(&steps).await {
            let prefix = steps.get(..=failed_at).unwrap_or(&steps);
            let needed = shrink(&play, prefix).await;
            return Err(failure.within(report(seed, prefix.len(), &needed)));
        }
    }
    Ok(())
}

/// Leaves out, from the end on, each step without which the rest still fails.
async fn shrink<T: Clone>(
    play: &impl AsyncFn(&[T]) -> Result<(), (usize, Failure)>,
    failing: &[T],
) -> Vec<T> {
    let mut needed = failing.to_vec();
    for index in (0..failing.len()).rev() {
        let mut fewer = needed.clone();
        fewer.remove(index);
        if play(&fewer).await.is_err() {
            needed = fewer;
        }
    }
    needed
}

fn report<T: fmt::Debug>(seed: u64, prefix: usize, needed: &[T]) -> String {
    let mut text = format!(
        "the history of seed {seed} fails at its step {prefix}; replay it with \
         {SEED_VARIABLE}={seed} {HISTORIES_VARIABLE}=1\n  these steps are enough:\n",
    );
    for (number, step) in (1..).zip(needed) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {number:3}. {step:?}");
    }
    text
}
