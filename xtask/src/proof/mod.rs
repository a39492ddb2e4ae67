//! `cargo xtask crash` and `cargo xtask power-loss`: the proof program of one engine, over as many
//! rounds as asked for.
//!
//! Every engine with durability has a test target called `proof`, which kills processes that write
//! to its store, or takes the power from them, and judges what they leave. It is built and run as
//! the tests are, and whatever it prints last is printed last here. With `--stacks` it is that of
//! the facade, which has the layers that alter what is stored on the engine.

use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};
use clap::Args;

use crate::engine_program::ProgramArgs;
use crate::test::Engine;
use crate::{engine_program, install, process_group};

/// What to prove, and how thoroughly.
#[derive(Debug, Args)]
pub(crate) struct ProofArgs {
    #[command(flatten)]
    program: ProgramArgs,
    /// How many processes are started, to be killed or recorded.
    #[arg(long, default_value_t = 100)]
    rounds: u32,
    /// Put compression, deduplication and expiry on the engine: each alone, each pair, all three.
    /// Each of the seven stacks plays so many rounds, and ends with a line of its own.
    #[arg(long)]
    stacks: bool,
}

/// What can be put on an engine, as the facade's program calls it.
const STACKS: [&str; 7] = [
    "compress",
    "dedup",
    "expiry",
    "compress_dedup",
    "compress_expiry",
    "dedup_expiry",
    "compress_dedup_expiry",
];

/// The engines that the facade's program puts layers on.
const ENGINES_OF_STACKS: [Engine; 2] = [Engine::Fjall, Engine::Sqlite];

/// How a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// It is killed.
    Crash,
    /// The power goes.
    PowerLoss,
}

impl Death {
    /// The command of the proof program.
    fn command(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::PowerLoss => "power-loss",
        }
    }
}

/// Runs the engine's proof program.
pub(crate) fn run(death: Death, args: &ProofArgs) -> Result<ExitCode> {
    let engine = args.program.engine;
    ensure!(
        engine.keeps_files(),
        "the {} engine keeps no files beyond its process, so there is nothing to prove; choose {}",
        engine.name(),
        Engine::names_with_files().join(" or ")
    );
    ensure!(
        !args.stacks || ENGINES_OF_STACKS.contains(&engine),
        "stacks are proved over {}",
        ENGINES_OF_STACKS.map(Engine::name).join(" and ")
    );
    install::missing(&install::needed_to_build(&[engine]))?;
    process_group::run(&mut cargo_test(death, args))
}

fn cargo_test(death: Death, args: &ProofArgs) -> Command {
    let rounds = ("--rounds", args.rounds.to_string());
    if !args.stacks {
        return engine_program::command(&args.program, "proof", death.command(), rounds);
    }
    // The engine's own feature is not enough: the program has either.
    let features = "compress,dedup,expiry,fjall,sqlite";
    let mut command =
        engine_program::stack_command(&args.program, features, "proof", death.command(), rounds);
    let engine = args.program.engine.name();
    let stacks = STACKS.map(|layers| format!("{layers}_over_{engine}"));
    command.args(["--subject", &stacks.join(",")]);
    command
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{Command as Xtask, tool};

    fn args(engine: Engine) -> ProofArgs {
        ProofArgs {
            program: ProgramArgs {
                engine,
                seed: Some(7),
                json: true,
            },
            rounds: 200,
            stacks: false,
        }
    }

    #[test]
    fn what_was_asked_for_reaches_the_proof_program() {
        let line = tool::command_line(&cargo_test(Death::Crash, &args(Engine::Fjall)));

        assert!(
            line.ends_with(
                "test --all-features --package storage-fjall --test proof -- \
                 crash --rounds 200 --seed 7 --json"
            ),
            "{line}"
        );
    }

    #[test]
    fn each_death_is_a_command_of_the_proof_program() {
        let line = tool::command_line(&cargo_test(Death::PowerLoss, &args(Engine::Fjall)));

        assert!(line.contains("-- power-loss --rounds"), "{line}");
    }

    #[test]
    fn stacks_are_those_of_the_facades_program() {
        let mut args = args(Engine::Sqlite);
        args.stacks = true;

        let line = tool::command_line(&cargo_test(Death::Crash, &args));

        assert!(
            line.contains(
                "--package storage --features compress,dedup,expiry,fjall,sqlite --test proof -- \
                 crash --rounds 200"
            ),
            "{line}"
        );
        assert!(line.contains("--subject compress_over_sqlite,"), "{line}");
        let error = run(
            Death::Crash,
            &ProofArgs {
                program: ProgramArgs {
                    engine: Engine::Sled,
                    seed: None,
                    json: false,
                },
                ..args
            },
        )
        .unwrap_err();
        assert!(
            error.to_string().ends_with("over fjall and sqlite"),
            "{error}"
        );
    }

    #[test]
    fn an_engine_without_files_is_refused_with_the_names_of_the_others() {
        for engine in [Engine::Memory, Engine::Pg] {
            let error = run(Death::Crash, &args(engine)).unwrap_err();

            let message = error.to_string();
            let (named, others) = message.split_once("choose").unwrap();
            assert!(named.contains(engine.name()), "{message}");
            assert!(others.contains("fjall"), "{message}");
            assert!(!others.contains(engine.name()), "{message}");
        }
    }

    #[test]
    fn an_unknown_engine_is_refused_with_the_names_of_the_known_ones() {
        let error = Xtask::try_parse_from(["xtask", "crash", "--engine", "oracle"]).unwrap_err();

        let message = error.to_string();
        assert!(message.contains("oracle"), "{message}");
        assert!(message.contains("fjall"), "{message}");
    }
}
