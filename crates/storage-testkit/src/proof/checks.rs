//! The proofs as tests: a few rounds of each, under the names that tests have.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use super::{
    FindingKind,
    crash::{Campaign, Summary},
    named_store::{Expected, NamedStore},
    power_loss,
};
use crate::{record, runner};

/// Every run has the same rounds, up to what contention decides.
const SEED: u64 = 1;

/// How many rounds a sound store goes through.
const ROUNDS: u32 = 8;

/// How many rounds of power loss a slow one goes through.
const ROUNDS_SLOW: u32 = 3;

/// Within how many a broken one must be caught.
const ROUNDS_BROKEN_MAX: u32 = 60;

/// And one that a loss of power breaks. Each of these loses it several times.
const POWER_LOSS_ROUNDS_BROKEN_MAX: u32 = 20;

/// Runs the tests that the command line asks for, as any test program does.
pub(super) fn run(engine: &'static str, stores: Vec<NamedStore>) -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = stores
        .into_iter()
        .flat_map(|store| trials(engine, &store))
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(engine: &'static str, store: &NamedStore) -> Vec<Trial> {
    let name = store.name;
    let trial = |claim: &str, check: fn(&'static str) -> Result<(), Failed>| {
        let claim = format!("{name}::{claim}");
        trial(engine, claim, move || check(name))
    };
    match store.expected {
        Expected::Sound => vec![
            trial("a_killed_process_leaves_what_was_promised", is_sound),
            trial("a_loss_of_power_leaves_what_was_promised", |name| {
                where_supported(name, |name| is_sound_without_power(name, ROUNDS))
            }),
        ],
        Expected::SoundThoughSlow => {
            vec![trial("a_loss_of_power_leaves_what_was_promised", |name| {
                where_supported(name, |name| is_sound_without_power(name, ROUNDS_SLOW))
            })]
        }
        Expected::SoundByCommand => Vec::new(),
        Expected::Broken(kind) => {
            let claim = format!("{name}::is_reported");
            vec![self::trial(engine, claim, move || is_reported(name, kind))]
        }
        Expected::BrokenByPowerLoss => vec![trial("is_reported_after_a_loss_of_power", |name| {
            where_supported(name, is_reported_without_power)
        })],
    }
}

fn trial(
    engine: &'static str,
    claim: String,
    check: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    Trial::test(claim.clone(), move || {
        if runner::is_chosen(engine, &claim) {
            check()
        } else {
            Ok(())
        }
    })
}

fn is_sound(store: &'static str) -> Result<(), Failed> {
    let mut campaign = Campaign::new(store, SEED);
    let mut summary = Summary::of(store);
    for _ in 0..ROUNDS {
        let round = campaign.round()?;
        if !round.verdict.findings.is_empty() {
            return Err(round.lines().join("\n").into());
        }
        summary.add(&round.verdict);
    }
    something_was_proved(&summary)?;
    record::passed(store, "survives kills");
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

fn is_sound_without_power(store: &'static str, rounds: u32) -> Result<(), Failed> {
    let mut campaign = power_loss::Campaign::new(store, SEED);
    let mut summary = Summary::of(store);
    for _ in 0..rounds {
        let round = campaign.round()?;
        if !round.verdict.findings.is_empty() {
            return Err(round.lines().join("\n").into());
        }
        summary.add(&round.verdict);
    }
    something_was_proved(&summary)?;
    record::passed(store, "survives losses of power");
    Ok(())
}

fn is_reported_without_power(store: &'static str) -> Result<(), Failed> {
    let mut campaign = power_loss::Campaign::new(store, SEED);
    for _ in 0..POWER_LOSS_ROUNDS_BROKEN_MAX {
        let round = campaign.round()?;
        round.discard()?;
        if !round.verdict.findings.is_empty() {
            return Ok(());
        }
    }
    Err(format!("nothing was found in {POWER_LOSS_ROUNDS_BROKEN_MAX} rounds").into())
}

/// Runs a check of power loss where the platform has one, and says so if not.
#[expect(clippy::print_stderr, reason = "a test that does not run must say so")]
fn where_supported(
    store: &'static str,
    check: fn(&'static str) -> Result<(), Failed>,
) -> Result<(), Failed> {
    match power_loss::UNSUPPORTED {
        None => check(store),
        Some(why) => {
            eprintln!("{store} is not put through a loss of power: {why}");
            Ok(())
        }
    }
}

fn something_was_proved(summary: &Summary) -> Result<(), Failed> {
    summary.gap().map_or(Ok(()), |gap| Err(gap.into()))
}
