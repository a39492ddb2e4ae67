//! The command line of a chaos program.

use std::time::Duration;

use clap::{Args, Parser};

/// The command by name, to tell it from what a test program is called with.
pub(super) const COMMAND: &str = "chaos";

/// Breaks servers while tasks write to them, and judges every answer. Without a
/// command: does so for a few seconds, as a test.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo test --test chaos --")]
pub(super) enum Command {
    /// Break servers while tasks write to them, and judge every answer.
    Chaos(ChaosArguments),
}

/// What `chaos` takes.
#[derive(Debug, Args)]
pub(super) struct ChaosArguments {
    /// For how many minutes faults are played, such as 2 or 0.5.
    #[arg(long, default_value = "2", value_parser = minutes)]
    pub(super) minutes: Duration,
    /// What the faults are drawn from; without it, drawn by chance and printed.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// End with one line of JSON instead of a sentence.
    #[arg(long)]
    pub(super) json: bool,
}

fn minutes(text: &str) -> Result<Duration, String> {
    const MOST: f64 = 24.0 * 60.0;
    let minutes: f64 = text.parse().map_err(|_| "it must be a number")?;
    if minutes > 0.0 && minutes <= MOST {
        Ok(Duration::from_secs_f64(minutes * 60.0))
    } else {
        Err(format!("it must be above 0 and at most {MOST}"))
    }
}
