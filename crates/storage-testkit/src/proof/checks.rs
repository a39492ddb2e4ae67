//! The proofs as tests: a few rounds of each, under the names that tests have.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use super::{
    FindingKind,
    crash::Campaign,
    named_store::{Expected, NamedStore},
};
use crate::runner;

/// Every run has the same rounds, up to what contention decides.
const SEED: u64 = 1;

/// How many rounds a sound store goes through.
const ROUNDS: u32 = 8;

/// Within how many a broken one must be caught.
const ROUNDS_BROKEN_MAX: u32 = 60;

/// Runs the tests that the command line asks for, as any test program does.
pub(super) fn run(engine: &'static str, stores: Vec<NamedStore>) -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = stores
        .into_iter()
        .map(|store| trial(engine, &store))
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(engine: &'static str, store: &NamedStore) -> Trial {
    let (store, expected) = (store.name, store.expected);
    let name = match expected {
        Expected::Sound => format!("{store}::a_killed_process_leaves_what_was_promised"),
        Expected::Broken(_) => format!("{store}::is_reported"),
    };
    Trial::test(name.clone(), move || {
        if !runner::is_chosen(engine, &name) {
            return Ok(());
        }
        match expected {
            Expected::Sound => is_sound(store),
            Expected::Broken(kind) => is_reported(store, kind),
        }
    })
}

fn is_sound(store: &'static str) -> Result<(), Failed> {
    let mut campaign = Campaign::new(store, SEED);
    let mut acknowledged = 0;
    for _ in 0..ROUNDS {
        let round = campaign.round()?;
        if !round.verdict.findings.is_empty() {
            return Err(round.lines().join("\n").into());
        }
        acknowledged += round.verdict.acknowledged;
    }
    if acknowledged == 0 {
        return Err("nothing was acknowledged, so nothing was proved".into());
    }
    Ok(())
}

fn is_reported(store: &'static str, kind: FindingKind) -> Result<(), Failed> {
    let mut campaign = Campaign::new(store, SEED);
    let mut others = Vec::new();
    for _ in 0..ROUNDS_BROKEN_MAX {
        let round = campaign.round()?;
        round.discard()?;
        if round.verdict.count(kind) > 0 {
            return Ok(());
        }
        others.extend(round.lines());
    }
    Err(format!(
        "nothing {kind} was found in {ROUNDS_BROKEN_MAX} rounds\n{}",
        others.join("\n")
    )
    .into())
}
