//! `cargo xtask chaos`: the servers of one engine are killed, paused, cut off and failed over at
//! random while tasks write to them, and every answer is judged.
//!
//! Every engine across a network has a test target called `chaos`, which does so. It is built and
//! run as the tests are, and whatever it prints last is printed last here. A stack on the engine is
//! the facade's to test, and does so with one fault.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::engine_program::ProgramArgs;
use crate::test::Engine;
use crate::{engine_program, install, process_group};

/// What to break, and for how long.
#[derive(Debug, Args)]
pub(crate) struct ChaosArgs {
    #[command(flatten)]
    program: ProgramArgs,
    /// For how many minutes, such as 2 or 0.5.
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,
    /// Put cache, resilience and fallback on the engine, kill its server alone, and say what was
    /// served, refused, accepted and lost.
    #[arg(long)]
    stack: bool,
    /// Put compression, deduplication and expiry on the engine, which alter what is stored.
    #[arg(long, conflicts_with = "stack")]
    encoded: bool,
}

/// Runs the engine's chaos program.
pub(crate) fn run(args: &ChaosArgs) -> Result<ExitCode> {
    let Some(server) = args.program.engine.server() else {
        bail!(
            "the {} engine has no servers that could be broken; choose {}",
            args.program.engine.name(),
            Engine::names_with_servers().join(" or ")
        );
    };
    ensure!(
        !args.encoded || args.program.engine == Engine::Pg,
        "layers that alter what is stored are put under chaos over pg"
    );
    let mut needed = install::needed_to_build(&[args.program.engine]);
    needed.extend(server.requirements());
    install::missing(&needed)?;
    process_group::run(&mut cargo_test(args))
}

fn cargo_test(args: &ChaosArgs) -> Command {
    let minutes = ("--minutes", args.minutes.to_string());
    if args.stack {
        let features = format!("cache,fallback,{},resilience", args.program.engine.name());
        return engine_program::stack_command(
            &args.program,
            &features,
            "outages",
            "chaos",
            minutes,
        );
    }
    if args.encoded {
        let features = format!("compress,dedup,expiry,{}", args.program.engine.name());
        return engine_program::stack_command(&args.program, &features, "chaos", "chaos", minutes);
    }
    let target = args.program.engine.chaos_target();
    engine_program::command(&args.program, target, "chaos", minutes)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{Command as Xtask, tool};

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
    fn a_cluster_is_broken_by_a_program_of_the_same_crate() {
        let args = args("xtask chaos --engine redis-cluster --minutes 2");

        let line = tool::command_line(&cargo_test(&args));

        assert!(
            line.ends_with("--package storage-redis --test chaos-cluster -- chaos --minutes 2"),
            "{line}"
        );
    }

    #[test]
    fn a_stack_is_the_facades_without_the_engines_that_take_long_to_build() {
        let args = args("xtask chaos --engine pg --stack --minutes 0.5");

        let line = tool::command_line(&cargo_test(&args));

        assert!(
            line.ends_with(
                "test --package storage --features cache,fallback,pg,resilience --test outages -- \
                  chaos --minutes 0.5"
            ),
            "{line}"
        );
    }

    #[test]
    fn layers_that_alter_what_is_stored_have_a_program_of_the_facades() {
        let args = args("xtask chaos --engine pg --encoded --minutes 0.5");

        let line = tool::command_line(&cargo_test(&args));

        assert!(
            line.ends_with(
                "test --package storage --features compress,dedup,expiry,pg --test chaos -- \
                  chaos --minutes 0.5"
            ),
            "{line}"
        );
    }

    #[test]
    fn an_engine_without_servers_is_refused_with_the_names_of_the_others() {
        let error = run(&args("xtask chaos --engine fjall")).unwrap_err();

        let message = error.to_string();
        assert!(message.contains("fjall"), "{message}");
        assert!(
            message.ends_with("choose pg or redis or redis-cluster or object"),
            "{message}"
        );
    }
}
