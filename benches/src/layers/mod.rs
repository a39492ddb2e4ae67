//! `layers`: what layers cost, and what they gain.
//!
//! The cache: how long a hit takes against caches that know nothing of stores, how
//! much a miss adds to a read of the store below ([`speed`]), and how many reads
//! are hits under made-up traces ([`traces`], [`hits`]).
//!
//! Compression: what the layer adds to the codec, and to a put of what does not get
//! smaller ([`compress`]); and how much smaller small records get ([`saving`]).
//!
//! Deduplication: what the layer adds to puts, and saves where values are equal ([`dedup`]).
//!
//! Resilience and metrics: what they add to a get of the memory engine, which is
//! exact to nanoseconds, in units of a get of raw fjall ([`added`]).

mod added;
mod cell;
mod compress;
mod dedup;
mod hits;
mod metrics;
mod resilience;
mod rivals;
mod rows;
mod saving;
mod speed;
mod traces;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use self::added::raw_fjall_get;
pub(crate) use self::{
    cell::{CellArgs, run_cell},
    compress::{CompressCellArgs, run_cell as run_compress_cell},
    dedup::{DedupCellArgs, run_cell as run_dedup_cell},
};
use crate::{
    measure::{Interrupt, Row, cells, play},
    overhead::{ROUNDS_MIN, directory_in},
};

/// What to compare, and how often.
#[derive(Debug, Args)]
pub(crate) struct LayersArgs {
    /// How often each time is measured; at least 7.
    #[arg(long, default_value_t = 9)]
    rounds: u32,
    /// Only these kinds of rows, separated by commas.
    #[arg(long = "only", value_delimiter = ',', value_name = "KIND")]
    only: Vec<Kind>,
    /// Where stores are made, each in a temporary directory of its own.
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    directory: PathBuf,
    /// The seed of the order in which times are taken, and of the traces.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print each row as a line of JSON.
    #[arg(long)]
    json: bool,
}

/// A kind of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// How long hits and misses of the cache take.
    Speed,
    /// How many reads of a trace are hits.
    Hits,
    /// What resilience and metrics add to a call.
    Added,
    /// How long compressing takes.
    Compress,
    /// How much smaller small records get.
    Saving,
    /// How long puts of values take that may be equal.
    Dedup,
}

/// Measures, and prints a row for each comparison.
pub(crate) fn run(args: &LayersArgs) -> Result<()> {
    ensure!(
        args.rounds >= ROUNDS_MIN,
        "--rounds is {}; fewer than {ROUNDS_MIN} say too little",
        args.rounds
    );
    let wants = |kind| args.only.is_empty() || args.only.contains(&kind);
    if wants(Kind::Speed) {
        let comparisons = rows::all();
        let interrupt = Interrupt::catch()?;
        let directory = directory_in(&args.directory)?;
        let cells = cells(&comparisons);
        let rounds = play(&cells, args.rounds, args.seed, &interrupt, |cell| {
            cell.arguments(directory.path())
        })?;
        for comparison in &comparisons {
            let row = Row::of(comparison, &rounds, rows::labels(comparison));
            print(args, &row)?;
        }
    }
    if wants(Kind::Compress) {
        let comparisons = compress::rows();
        let interrupt = Interrupt::catch()?;
        let directory = directory_in(&args.directory)?;
        let cells = cells(&comparisons);
        let rounds = play(&cells, args.rounds, args.seed, &interrupt, |cell| {
            cell.arguments(directory.path())
        })?;
        for comparison in &comparisons {
            print(
                args,
                &Row::of(comparison, &rounds, compress::labels(comparison)),
            )?;
        }
    }
    if wants(Kind::Dedup) {
        let comparisons = dedup::rows();
        let interrupt = Interrupt::catch()?;
        let directory = directory_in(&args.directory)?;
        let cells = cells(&comparisons);
        let rounds = play(&cells, args.rounds, args.seed, &interrupt, |cell| {
            cell.arguments(directory.path())
        })?;
        for comparison in &comparisons {
            print(
                args,
                &Row::of(comparison, &rounds, dedup::labels(comparison)),
            )?;
        }
    }
    if wants(Kind::Saving) {
        for row in saving::measure(args.seed)? {
            print(args, &row)?;
        }
    }
    if wants(Kind::Hits) {
        for row in hits::measure(args.seed)? {
            print(args, &row)?;
        }
    }
    if wants(Kind::Added) {
        let raw = raw_fjall_get()?;
        for row in [
            resilience::get(raw)?,
            resilience::put(raw)?,
            metrics::get(raw)?,
        ] {
            print(args, &row)?;
        }
    }
    Ok(())
}

fn print(args: &LayersArgs, row: &(impl serde::Serialize + std::fmt::Display)) -> Result<()> {
    if args.json {
        println!("{}", serde_json::to_string(row)?);
    } else {
        println!("{row}");
    }
    Ok(())
}
