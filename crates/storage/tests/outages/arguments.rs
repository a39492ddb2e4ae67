//! The command line: that of a chaos program, which this one stands beside.

use std::time::Duration;

use clap::{Args, Parser};

pub(crate) const COMMAND: &str = "chaos";

/// Kills PostgreSQL under load, and says what became of every call.
#[derive(Debug, Parser)]
pub(crate) enum Command {
    /// Kill PostgreSQL again and again.
    Chaos(ChaosArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ChaosArguments {
    /// For how many minutes, such as 2 or 0.5.
    #[arg(long, default_value = "2", value_parser = minutes)]
    pub(crate) minutes: Duration,
    /// What the outages are drawn from.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// End with one line of JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

fn minutes(text: &str) -> Result<Duration, String> {
    let minutes: f64 = text.parse().map_err(|_| "it must be a number")?;
    Duration::try_from_secs_f64(minutes * 60.0).map_err(|error| error.to_string())
}
