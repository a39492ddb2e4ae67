//! Programs that engines have as test targets, to be run by hand for as long as one likes.

use std::process::{Command, Stdio};

use clap::Args;

use crate::test::Engine;
use crate::tool;

/// What all of them take.
#[derive(Debug, Args)]
pub(crate) struct ProgramArgs {
    /// The engine that is put to the test.
    #[arg(long)]
    pub(crate) engine: Engine,
    /// What the run is drawn from; without it, drawn by chance and printed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// End with one line of JSON instead of a sentence.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Builds the program in the test target `target` of the engine's crate, and runs `command` of it
/// with one option.
pub(crate) fn command(
    args: &ProgramArgs,
    target: &str,
    command: &str,
    (option, value): (&str, String),
) -> Command {
    let package = args.engine.package();
    let built = ["--all-features", "--package", &package];
    program(args, &built, target, command, (option, &value))
}

/// The same for a test target of the facade, which puts layers on engines.
pub(crate) fn stack_command(
    args: &ProgramArgs,
    features: &str,
    target: &str,
    command: &str,
    (option, value): (&str, String),
) -> Command {
    let built = ["--package", "storage", "--features", features];
    program(args, &built, target, command, (option, &value))
}

fn program(
    args: &ProgramArgs,
    built: &[&str],
    target: &str,
    command: &str,
    (option, value): (&str, &str),
) -> Command {
    let mut cargo = tool::cargo();
    cargo.arg("test").args(built);
    cargo.args(["--test", target, "--", command, option, value]);
    if let Some(seed) = args.seed {
        cargo.args(["--seed", &seed.to_string()]);
    }
    if args.json {
        cargo.arg("--json");
    }
    cargo.stdin(Stdio::null());
    cargo
}
