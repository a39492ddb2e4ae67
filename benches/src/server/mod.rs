//! `server`: what a store costs and gains over a client of the same server, with
//! the pool of connections that suits the client best.
//!
//! Both sides speak to one server, which the run starts on this machine, over the
//! loopback without TLS. They have databases of their own with the same entries.
//! Their cells run one at a time, as all cells do.

mod cell;
mod plain;
mod prepare;
mod rows;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

pub(crate) use self::cell::{ServerCellArgs, run_cell};
use self::prepare::Place;
use crate::measure::{Interrupt, Row, play};

/// Fewer rounds say too little.
const ROUNDS_MIN: u32 = 5;

/// What to compare, and how often.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The engine.
    #[arg(long, default_value = "pg")]
    engine: Engine,
    /// How often each figure is measured; at least 5.
    #[arg(long, default_value_t = 15)]
    rounds: u32,
    /// The seed of the order in which figures are taken.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print each row as a line of JSON.
    #[arg(long)]
    json: bool,
}

/// An engine across a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Engine {
    /// PostgreSQL, against sqlx.
    Pg,
    /// Redis, against deadpool-redis.
    Redis,
}

/// Measures, and prints a row for each comparison.
pub(crate) fn run(args: &ServerArgs) -> Result<()> {
    ensure!(
        args.rounds >= ROUNDS_MIN,
        "--rounds is {}; fewer than {ROUNDS_MIN} say too little",
        args.rounds
    );
    let interrupt = Interrupt::catch()?;
    let place = Place::prepare(args.engine, &interrupt)?;
    eprintln!("{}", place.server());
    let cells = rows::cells(args.engine);
    let rounds = play(&cells, args.rounds, args.seed, &interrupt, |cell| {
        cell.arguments(place.directory())
    })?;
    for comparison in rows::all(args.engine, &rounds) {
        let row = Row::of(&comparison, &rounds, rows::labels(&comparison));
        if args.json {
            println!("{}", serde_json::to_string(&row)?);
        } else {
            println!("{row}");
        }
    }
    Ok(())
}
