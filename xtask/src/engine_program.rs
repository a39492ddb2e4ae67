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
    let mut cargo = tool::cargo();
    cargo.args(["test", "--all-features", "--package"]);
    cargo.arg(args.engine.package());
    cargo.args(["--test", target, "--", command, option, &value]);
    if let Some(seed) = args.seed {
        cargo.args(["--seed", &seed.to_string()]);
    }
    if args.json {
        cargo.arg("--json");
    }
    cargo.stdin(Stdio::null());
    cargo
}
