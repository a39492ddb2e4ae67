//! The program: an engine's own test program.

use std::{env, fmt, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::Parser;
use libtest_mimic::{Arguments, Trial};

use super::{
    arguments::{COMMAND, ChaosArguments, Command},
    campaign::{self, Report},
    site::Site,
};
use crate::{
    proof::{complain, random_seed, say},
    runner,
    servers::ServerResult,
};

/// How long it takes as a test, and from which seed.
const TEST_DURATION: Duration = Duration::from_secs(15);
const TEST_SEED: u64 = 1;

/// So many findings are printed; the rest mostly has the same cause.
const FINDINGS_MAX: usize = 30;

/// Puts the servers of one engine under chaos. Its [`run`](Self::run) is all that
/// `main` does.
pub struct Program<S> {
    engine: &'static str,
    start: fn() -> ServerResult<S>,
}

impl<S: Site> Program<S> {
    /// A program for `engine`, whose servers `start` starts.
    ///
    /// The engine's name is the one that `STORAGE_TEST_ENGINES` may leave out.
    #[must_use]
    pub const fn new(engine: &'static str, start: fn() -> ServerResult<S>) -> Self {
        Self { engine, start }
    }

    /// Does what the command line says: chaos, or a few seconds of it as a test,
    /// if it is called as a test program is.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let first = env::args().nth(1);
        if first.as_deref() != Some(COMMAND) {
            return self.check();
        }
        let Command::Chaos(arguments) = Command::parse();
        match self.obey(&arguments) {
            Ok(code) => code,
            Err(error) => {
                complain(&format!("error: {error:#}"));
                ExitCode::FAILURE
            }
        }
    }

    fn obey(&self, arguments: &ChaosArguments) -> Result<ExitCode> {
        let seed = match arguments.seed {
            Some(seed) => seed,
            None => random_seed()?,
        };
        let report = self.play(seed, arguments.minutes)?;
        for line in report.failures.iter().chain(shortened(&report)) {
            complain(line);
        }
        let summary = &report.summary;
        if let Some(gap) = summary.gap() {
            complain(&format!("error: {gap}"));
        }
        if arguments.json {
            complain(&summary.to_string());
            say(&serde_json::to_string(summary)?)?;
        } else {
            say(&summary.to_string())?;
        }
        Ok(if summary.is_clean() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn check(self) -> ExitCode {
        let engine = self.engine;
        let name = format!("{engine}::keeps_its_word_under_chaos");
        let trial = Trial::test(name.clone(), move || {
            if !runner::is_chosen(engine, &name) {
                return Ok(());
            }
            let report = self.play(TEST_SEED, TEST_DURATION)?;
            let summary = &report.summary;
            if summary.is_clean() {
                return Ok(());
            }
            let said = [summary.to_string()].into_iter().chain(summary.gap());
            let said = said.chain(shortened(&report).cloned());
            Err(said.collect::<Vec<_>>().join("\n").into())
        });
        libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
    }

    fn play(&self, seed: u64, duration: Duration) -> Result<Report> {
        let engine = self.engine;
        complain(&format!("{engine}: {duration:?} from seed {seed}"));
        let site = (self.start)().context("starting the servers")?;
        campaign::run(engine, site, seed, duration, &|line| complain(line))
    }
}

fn shortened(report: &Report) -> impl Iterator<Item = &String> {
    report.findings.iter().take(FINDINGS_MAX)
}

impl<S> fmt::Debug for Program<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}
