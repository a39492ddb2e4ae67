//! `overhead`: what the API, the adapter and the layers cost on top of the raw
//! engine.
//!
//! Both sides do the same with the same settings: the raw engine is given owned
//! keys and values and returns owned ones, asks for the same durability, and
//! puts one entry at a time. What differs is only who calls the engine.

mod cell;
pub(crate) mod data;
pub(crate) mod drive;
mod engines;
pub(crate) mod raw;
mod rows;
pub(crate) mod stored;
pub(crate) mod target;

// What `server` and `layers` measure in the same way.
pub(crate) use self::{
    cell::{Workload, directory_in, name},
    data::Data,
    drive::{Callers, Whereabouts, drive},
    stored::Stored,
    target::{Pair, Target},
};

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use nix::sys::statfs::{TMPFS_MAGIC, statfs};

use self::cell::Cell;
pub(crate) use self::cell::{CellArgs, Engine, run_cell};
use crate::measure::{Comparison, Interrupt, Row, cells, play};

/// Fewer rounds say too little.
pub(crate) const ROUNDS_MIN: u32 = 7;

/// What to compare, and how often.
#[derive(Debug, Args)]
pub(crate) struct OverheadArgs {
    /// How often each figure is measured; at least 7.
    #[arg(long, default_value_t = 9)]
    rounds: u32,
    /// Only these engines, separated by commas.
    #[arg(long = "engine", value_delimiter = ',', value_name = "ENGINE")]
    engines: Vec<Engine>,
    /// Only these workloads, separated by commas.
    #[arg(long = "workload", value_delimiter = ',', value_name = "WORKLOAD")]
    workloads: Vec<Workload>,
    /// Where stores are made, each in a temporary directory of its own. What a sync costs depends
    /// on the disk there. Those of fs stay to the end: 1.4 GB a round.
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    directory: PathBuf,
    /// The seed of the order in which figures are taken.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print each row as a line of JSON.
    #[arg(long)]
    json: bool,
}

/// Measures, and prints a row for each comparison.
pub(crate) fn run(args: &OverheadArgs) -> Result<()> {
    ensure!(
        args.rounds >= ROUNDS_MIN,
        "--rounds is {}; fewer than {ROUNDS_MIN} say too little",
        args.rounds
    );
    let mut comparisons = rows::all();
    comparisons.retain(|comparison| {
        let cell = comparison.subject;
        (args.engines.is_empty() || args.engines.contains(&cell.engine))
            && (args.workloads.is_empty() || args.workloads.contains(&cell.workload))
    });
    ensure!(
        !comparisons.is_empty(),
        "no row has one of these engines and one of these workloads"
    );
    let syncs = |comparison: &Comparison<Cell>| comparison.subject.workload == Workload::SyncedPut;
    ensure!(
        !(comparisons.iter().any(syncs) && is_in_memory(&args.directory)?),
        "{} is kept in memory, where a sync costs nothing; name a directory on a disk with --directory",
        args.directory.display()
    );
    let cells = cells(&comparisons);
    let interrupt = Interrupt::catch()?;
    let directory = directory_in(&args.directory)?;
    let rounds = play(&cells, args.rounds, args.seed, &interrupt, |cell| {
        cell.arguments(directory.path())
    })?;
    for comparison in &comparisons {
        let row = Row::of(comparison, &rounds, rows::labels(comparison));
        if args.json {
            println!("{}", serde_json::to_string(&row)?);
        } else {
            println!("{row}");
        }
    }
    Ok(())
}

/// Whether files in `directory` never reach a disk.
fn is_in_memory(directory: &Path) -> Result<bool> {
    let system = statfs(directory)
        .with_context(|| format!("cannot look at the file system of {}", directory.display()))?;
    Ok(system.filesystem_type() == TMPFS_MAGIC)
}
