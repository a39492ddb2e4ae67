//! The program: an engine's own test program, in all its roles.

use std::{env, future::Future, io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Parser;
use storage_core::{Components, SharedStore};
use tokio::runtime;

use super::{
    FindingKind, Verdict,
    arguments::{COMMANDS, Command, ProofArguments},
    checks, crash,
    inspect::inspect,
    named_store::{Expected, NamedStore},
    power_loss,
    work::work,
};

/// Proves what the stores of one engine promise. Its [`run`](Self::run) is all
/// that `main` does.
#[derive(Debug)]
pub struct Program {
    engine: &'static str,
    /// INVARIANT: the first is the engine's own.
    stores: Vec<NamedStore>,
}

impl Program {
    /// A program for `engine`, whose store `open` opens in a directory that is
    /// missing, empty, or was the store's before.
    ///
    /// The engine's name is the one that `STORAGE_TEST_ENGINES` may leave out.
    pub fn new<F>(
        engine: &'static str,
        open: impl Fn(PathBuf, Components) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = storage_core::Result<SharedStore>> + Send + 'static,
    {
        Self {
            engine,
            stores: vec![NamedStore::new(engine, Expected::Sound, open)],
        }
    }

    /// The same program with another store to prove, such as the engine in
    /// another configuration or under layers.
    #[must_use]
    pub fn subject<F>(
        self,
        name: &'static str,
        open: impl Fn(PathBuf, Components) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = storage_core::Result<SharedStore>> + Send + 'static,
    {
        self.with(NamedStore::new(name, Expected::Sound, open))
    }

    /// The same program with a store that takes so long to open or to work that
    /// its check is a few rounds of power loss only. By command it is proved as
    /// others are.
    #[must_use]
    pub fn slow_subject<F>(
        self,
        name: &'static str,
        open: impl Fn(PathBuf, Components) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = storage_core::Result<SharedStore>> + Send + 'static,
    {
        self.with(NamedStore::new(name, Expected::SoundThoughSlow, open))
    }

    /// The same program with a store that is proved by command alone: its rounds are
    /// no part of `cargo test`.
    #[must_use]
    pub fn subject_by_command<F>(
        self,
        name: &'static str,
        open: impl Fn(PathBuf, Components) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = storage_core::Result<SharedStore>> + Send + 'static,
    {
        self.with(NamedStore::new(name, Expected::SoundByCommand, open))
    }

    /// The same program with a store that is broken on purpose. Its check
    /// passes when findings of this kind are reported.
    #[must_use]
    pub fn broken_subject<F>(
        self,
        name: &'static str,
        reported_as: FindingKind,
        open: impl Fn(PathBuf, Components) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = storage_core::Result<SharedStore>> + Send + 'static,
    {
        self.with(NamedStore::new(name, Expected::Broken(reported_as), open))
    }

    /// The same program with a store that a loss of power breaks, on purpose,
    /// even if killing its process does not. Its check passes when anything is
    /// reported.
    #[must_use]
    pub fn subject_broken_by_power_loss<F>(
        self,
        name: &'static str,
        open: impl Fn(PathBuf, Components) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = storage_core::Result<SharedStore>> + Send + 'static,
    {
        self.with(NamedStore::new(name, Expected::BrokenByPowerLoss, open))
    }

    /// Does what the command line says: a proof, a child's part of one, or a
    /// few rounds of each proof as tests, if it is called as a test program is.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let first = env::args().nth(1);
        if !first.is_some_and(|first| COMMANDS.contains(&first.as_str())) {
            return checks::run(self.engine, self.stores);
        }
        match self.obey(Command::parse()) {
            Ok(code) => code,
            Err(error) => {
                complain(&format!("error: {error:#}"));
                ExitCode::FAILURE
            }
        }
    }

    fn with(mut self, store: NamedStore) -> Self {
        self.stores.push(store);
        self
    }

    fn obey(&self, command: Command) -> Result<ExitCode> {
        match command {
            Command::Crash(arguments) => self.prove(&arguments, |store, seed| {
                let mut campaign = crash::Campaign::new(store, seed);
                move || {
                    let round = campaign.round()?;
                    Ok((round.lines(), round.verdict))
                }
            }),
            Command::PowerLoss(arguments) => self.prove(&arguments, |store, seed| {
                let mut campaign = power_loss::Campaign::new(store, seed);
                move || {
                    let round = campaign.round()?;
                    Ok((round.lines(), round.verdict))
                }
            }),
            Command::Work(arguments) => {
                let store = self.named(&arguments.store.subject)?;
                if arguments.recorded {
                    power_loss::submit().context("waiting to be recorded")?;
                }
                drive(work(store, arguments))?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Inspect(arguments) => {
                let store = self.named(&arguments.store.subject)?;
                let inspection = drive(inspect(store, arguments))?;
                say(&serde_json::to_string(&inspection)?)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    /// Plays the rounds that `begin` makes for a store and a seed, of one store after
    /// the other.
    fn prove<R>(
        &self,
        arguments: &ProofArguments,
        begin: impl Fn(&'static str, u64) -> R,
    ) -> Result<ExitCode>
    where
        R: FnMut() -> Result<(Vec<String>, Verdict)>,
    {
        let mut names: Vec<_> = arguments.subject.iter().map(String::as_str).collect();
        if names.is_empty() {
            names.push(self.engine);
        }
        let stores: Vec<_> = names
            .into_iter()
            .map(|name| self.named(name))
            .collect::<Result<_>>()?;
        let mut is_clean = true;
        for store in stores {
            is_clean &= prove_one(store, arguments, &begin)?;
        }
        Ok(if is_clean {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn named(&self, name: &str) -> Result<&NamedStore> {
        let names: Vec<_> = self.stores.iter().map(|store| store.name).collect();
        self.stores
            .iter()
            .find(|store| store.name == name)
            .with_context(|| format!("no store is called {name}; there is {}", names.join(", ")))
    }
}

/// Plays the rounds of one store, and says whether all was well.
fn prove_one<R>(
    store: &NamedStore,
    arguments: &ProofArguments,
    begin: impl Fn(&'static str, u64) -> R,
) -> Result<bool>
where
    R: FnMut() -> Result<(Vec<String>, Verdict)>,
{
    let name = store.name;
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => crash::random_seed()?,
    };
    complain(&format!(
        "{name}: {} rounds from seed {seed}",
        arguments.rounds
    ));
    let mut summary = crash::Summary::of(name);
    let mut play = begin(name, seed);
    for done in 1..=arguments.rounds {
        let (lines, verdict) = play()?;
        for line in lines {
            complain(&line);
        }
        summary.add(&verdict);
        if done % 50 == 0 {
            complain(&format!("{name}: round {done} of {}", arguments.rounds));
        }
    }
    if let Some(gap) = summary.gap() {
        complain(&format!("error: {gap}"));
    }
    say(&if arguments.json {
        serde_json::to_string(&summary)?
    } else {
        summary.to_string()
    })?;
    Ok(summary.is_clean())
}

/// Runs a child's part to its end.
fn drive<T>(part: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .context("starting the threads")?;
    runtime.block_on(part)
}

pub(crate) fn say(line: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").context("writing to the standard output")
}

#[expect(clippy::print_stderr, reason = "progress and findings are for people")]
pub(crate) fn complain(line: &str) {
    eprintln!("{line}");
}
