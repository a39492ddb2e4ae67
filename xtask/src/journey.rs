//! `cargo xtask journey`: real records from PostgreSQL by way of Redis and an S3 to fjall, and
//! every byte compared.
//!
//! A test of the command line makes the journey with few records each time. Here it has as many as
//! one likes, and prints a line of JSON for each leg.

use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;
use clap::Args;

use crate::test::Engine;
use crate::{install, process_group, tool};

/// The engines that the records come to.
const STATIONS: &[Engine] = &[Engine::Pg, Engine::Redis, Engine::Object, Engine::Fjall];

/// Where the test reads how many records to send.
const RECORDS_VARIABLE: &str = "STORAGE_JOURNEY_RECORDS";

/// How far to go.
#[derive(Debug, Args)]
pub(crate) struct JourneyArgs {
    /// How many records go on the journey: lines of the source code of crates.
    #[arg(long, default_value_t = 200_000)]
    records: u32,
}

/// Makes the journey.
pub(crate) fn run(args: &JourneyArgs) -> Result<ExitCode> {
    install::missing(&install::needed_to_test(STATIONS))?;
    process_group::run(&mut cargo_test(args))
}

fn cargo_test(args: &JourneyArgs) -> Command {
    let mut command = tool::cargo();
    command
        .args([
            "test",
            "--package",
            "storage-cli",
            "--test",
            "cli",
            "journey",
        ])
        .args(["--", "--nocapture"])
        .env(RECORDS_VARIABLE, args.records.to_string())
        .stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_of_the_command_line_is_sent_as_many_records_as_are_asked_for() {
        let command = cargo_test(&JourneyArgs { records: 7 });
        let line = tool::command_line(&command);
        assert!(
            line.ends_with("--test cli journey -- --nocapture"),
            "{line}"
        );
        let sent = command.get_envs().any(|(name, value)| {
            name == RECORDS_VARIABLE && value.is_some_and(|value| value == "7")
        });
        assert!(sent);
    }
}
