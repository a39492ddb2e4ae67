//! `cargo xtask chaos`: the servers of one engine are killed, paused, cut off and failed over at
//! random while tasks write to them, and every answer is judged.
//!
//! Every engine across a network has a test target called `chaos`, which does so. It is built and
//! run as the tests are, and whatever it prints last is printed last here.

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Result, bail};
use clap::Args;

use crate::test::Engine;
use crate::{install, process_group, tool};

/// What to break, and for how long.
#[derive(Debug, Args)]
pub(crate) struct ChaosArgs {
    /// The engine whose servers are broken.
    #[arg(long)]
    engine: Engine,
    /// For how many minutes, such as 2 or 0.5.
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,
    /// What is done to the servers, and when, is drawn from it; without it, drawn by chance and
    /// printed.
    #[arg(long)]
    seed: Option<u64>,
    /// End with one line of JSON instead of a sentence.
    #[arg(long)]
    json: bool,
}

/// Runs the engine's chaos program.
pub(crate) fn run(args: &ChaosArgs) -> Result<ExitCode> {
    let Some(server) = args.engine.server() else {
        bail!(
            "the {} engine has no servers that could be broken; choose {}",
            args.engine.name(),
            Engine::names_with_servers().join(" or ")
        );
    };
    let mut needed = install::needed_to_build(&[args.engine]);
    needed.extend(server.requirements());
    install::missing(&needed)?;
    process_group::run(&mut cargo_test(args))
}

fn cargo_test(args: &ChaosArgs) -> Command {
    let mut command = tool::cargo();
    let package = format!("storage-{}", args.engine.name());
    command.args(["test", "--all-features", "--package", &package]);
    command.args(["--test", "chaos", "--", "chaos"]);
    command.args(["--minutes", &args.minutes.to_string()]);
    if let Some(seed) = args.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if args.json {
        command.arg("--json");
    }
    command.stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Command as Xtask;

    fn args(line: &str) -> ChaosArgs {
        match Xtask::try_parse_from(line.split(' ')).unwrap() {
            Xtask::Chaos(args) => args,
            other => panic!("{other:?} is another command"),
        }
    }

    #[test]
    fn what_was_asked_for_reaches_the_chaos_program() {
        let args = args("xtask chaos --engine pg --minutes 2 --seed 7 --json");

        let line = tool::command_line(&cargo_test(&args));

        assert!(
            line.ends_with(
                "test --all-features --package storage-pg --test chaos -- \
                 chaos --minutes 2 --seed 7 --json"
            ),
            "{line}"
        );
    }

    #[test]
    fn an_engine_without_servers_is_refused_with_the_names_of_the_others() {
        let error = run(&args("xtask chaos --engine fjall")).unwrap_err();

        let message = error.to_string();
        assert!(message.contains("fjall"), "{message}");
        assert!(message.ends_with("choose pg"), "{message}");
    }
}
