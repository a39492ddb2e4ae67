//! One figure: a store or a plain client, doing one kind of work.

use std::{
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use storage::{pg::PgConfig, redis::RedisConfig};

use super::{
    Engine,
    plain::{PlainRedis, PlainSqlx},
};
use crate::{
    measure::Measurement,
    overhead::{Callers, Data, Stored, Target, Whereabouts, Workload, drive, name},
};

/// How many entries there are.
const ENTRIES: u32 = 100_000;

/// What one process measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cell {
    pub(super) engine: Engine,
    pub(super) workload: Workload,
    pub(super) side: Side,
    pub(super) tasks: u32,
    /// How many connections a plain client has.
    pub(super) pool: u32,
}

/// Who speaks to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Side {
    /// A client, as one uses it directly.
    Plain,
    /// A store, with the defaults of its engine.
    Store,
}

impl Cell {
    /// The arguments that make this program measure the cell over the databases
    /// whose URLs are in `directory`.
    pub(super) fn arguments(self, directory: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["server-cell".into()];
        for (option, value) in [
            ("--engine", name(&self.engine)),
            ("--workload", name(&self.workload)),
            ("--side", name(&self.side)),
            ("--tasks", self.tasks.to_string()),
            ("--pool", self.pool.to_string()),
        ] {
            arguments.extend([option.into(), value.into()]);
        }
        arguments.extend(["--directory".into(), directory.into()]);
        arguments
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            engine,
            workload,
            side,
            tasks,
            pool,
        } = self;
        let (engine, workload, side) = (name(engine), name(workload), name(side));
        write!(f, "{engine} {workload}, {tasks} tasks, {side}")?;
        match self.side {
            Side::Plain => write!(f, ", pool of {pool}"),
            Side::Store => Ok(()),
        }
    }
}

/// The cell to measure.
#[derive(Debug, Args)]
pub(crate) struct ServerCellArgs {
    #[arg(long)]
    engine: Engine,
    #[arg(long)]
    workload: Workload,
    #[arg(long)]
    side: Side,
    #[arg(long)]
    tasks: u32,
    #[arg(long)]
    pool: u32,
    /// Where the URLs of the databases are.
    #[arg(long)]
    directory: PathBuf,
}

/// Measures a cell and prints the measurement.
pub(crate) fn run_cell(args: &ServerCellArgs) -> Result<()> {
    let file = args.directory.join(file_of(args.side, args.workload));
    let url = fs::read_to_string(&file)
        .with_context(|| format!("cannot read the URL in {}", file.display()))?;
    let data = Data::with(ENTRIES, operations(args.engine, args.workload, args.tasks));
    let measurement = match (args.engine, args.side) {
        (Engine::Pg, Side::Plain) => measure(args, data, async || {
            PlainSqlx::connect(&url, args.pool).await
        })?,
        (Engine::Pg, Side::Store) => measure(args, data, async || {
            Ok(Stored(PgConfig::from_url(&url)?.open().await?))
        })?,
        (Engine::Redis, Side::Plain) => {
            measure(args, data, async || PlainRedis::connect(&url, args.pool))?
        }
        (Engine::Redis, Side::Store) => measure(args, data, async || {
            Ok(Stored(RedisConfig::from_url(&url)?.open().await?))
        })?,
    };
    println!("{}", serde_json::to_string(&measurement)?);
    Ok(())
}

fn measure<T: Target>(
    args: &ServerCellArgs,
    data: Data,
    open: impl AsyncFnOnce() -> Result<T>,
) -> Result<Measurement> {
    let callers = Callers::Tasks(args.tasks);
    drive(open, args.workload, callers, Whereabouts::Network, data)
}

/// What is in each database before anything is measured.
pub(super) fn content() -> Data {
    Data::with(ENTRIES, 0)
}

/// Enough to keep a process busy for about a second.
fn operations(engine: Engine, workload: Workload, tasks: u32) -> u32 {
    match (engine, workload, tasks) {
        (Engine::Pg, Workload::Get, 1) => 5_000,
        (Engine::Pg, Workload::Get, _) => 9_600,
        (Engine::Pg, _, 1) => 800,
        (Engine::Pg, ..) => 3_200,
        (Engine::Redis, Workload::Get, 1) => 10_000,
        (Engine::Redis, Workload::Get, _) => 64_000,
        (Engine::Redis, _, 1) => 1_600,
        (Engine::Redis, ..) => 12_800,
    }
}

/// The file with the URL of a database. What is read is not what is written to.
pub(super) fn file_of(side: Side, workload: Workload) -> String {
    format!("{}-{}", name(&side), name(&workload))
}
