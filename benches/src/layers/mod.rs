//! `layers`: what layers add to a call of the store below.
//!
//! Time added to a get of the memory engine, which is exact to nanoseconds, in
//! units of a get of raw fjall, measured in turn in the same process.

mod added;
mod metrics;
mod resilience;

use anyhow::Result;
use clap::Args;

use self::added::{Added, raw_fjall_get};

/// How the rows are printed.
#[derive(Debug, Args)]
pub(crate) struct LayersArgs {
    /// Print each row as a line of JSON.
    #[arg(long)]
    json: bool,
}

/// Measures, and prints a row for each layer.
pub(crate) fn run(args: &LayersArgs) -> Result<()> {
    let raw = raw_fjall_get()?;
    for row in [
        resilience::get(raw)?,
        resilience::put(raw)?,
        metrics::get(raw)?,
    ] {
        let Added { subject, .. } = &row;
        if args.json {
            println!("{}", serde_json::to_string(&row)?);
        } else {
            println!("{subject}: {row:?}");
        }
    }
    Ok(())
}
