//! `cargo xtask fuzz`: the tests that give decoders damaged forms, for as long as one likes.
//!
//! They are those in modules called `fuzzed`. `cargo xtask test` runs each with a few thousand
//! inputs, always the same ones.

use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;
use clap::Args;

use crate::{test, tool};

/// The crates with tests of that kind: those that decode rows and values of their own.
const PACKAGES: [&str; 4] = [
    "storage-core",
    "storage-compress",
    "storage-dedup",
    "storage-expiry",
];

/// How many inputs, and which.
#[derive(Debug, Args)]
pub(crate) struct FuzzArgs {
    /// How many inputs each decoder is given.
    #[arg(long, default_value_t = 100_000)]
    cases: u32,
    /// What they are drawn from; without it, drawn by chance and printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Run only the tests whose name contains this.
    #[arg(long, value_name = "STR", default_value = "fuzzed")]
    filter: String,
}

/// Runs the tests.
pub(crate) fn run(args: &FuzzArgs) -> Result<ExitCode> {
    // Short enough to be typed.
    let seed = args.seed.unwrap_or_else(|| u64::from(fastrand::u32(..)));
    println!("{} inputs for each decoder, from seed {seed}", args.cases);
    test::run_alone(cargo_test(args, seed))
}

fn cargo_test(args: &FuzzArgs, seed: u64) -> Command {
    let mut command = tool::cargo();
    command.args(["test", "--no-fail-fast", "--lib", "--tests"]);
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    command.args(["--", &args.filter]);
    command.env("STORAGE_FUZZ_CASES", args.cases.to_string());
    command.env("STORAGE_TEST_SEED", seed.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use clap::Parser;

    use super::*;
    use crate::Command as Xtask;

    #[test]
    fn what_was_asked_for_reaches_the_tests() {
        let line = ["xtask", "fuzz", "--cases", "7", "--seed", "9"];
        let Xtask::Fuzz(args) = Xtask::try_parse_from(line).unwrap() else {
            panic!("`fuzz` is another command");
        };

        let command = cargo_test(&args, 9);

        let line = tool::command_line(&command);
        assert!(
            line.ends_with("--package storage-expiry -- fuzzed"),
            "{line}"
        );
        for (variable, value) in [("STORAGE_FUZZ_CASES", "7"), ("STORAGE_TEST_SEED", "9")] {
            let change = (OsStr::new(variable), Some(OsStr::new(value)));
            assert!(command.get_envs().any(|made| made == change), "{variable}");
        }
    }
}
