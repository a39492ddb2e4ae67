//! One figure: an engine, called in one way, doing one kind of work.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use storage::{
    SharedStore, Stack, Store,
    fjall::{FjallBackend, FjallConfig},
    layer::PassThrough,
    memory::{MemoryBackend, MemoryConfig},
};

use super::{
    data::Data,
    drive::drive,
    raw::{RawFjall, RawMap},
    stored::Stored,
    target::Target,
};
use crate::measure::Measurement;

/// What one process measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cell {
    pub(crate) engine: Engine,
    pub(crate) workload: Workload,
    pub(crate) access: Access,
    pub(crate) tasks: u32,
}

/// An engine that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Engine {
    /// The ordered map in memory.
    Memory,
    /// The embedded default.
    Fjall,
}

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Workload {
    /// Get a value of 256 B that is in memory.
    Get,
    /// Scan 100 entries of 256 B that are in memory.
    Scan,
    /// Put a new key with 256 B, which survives the process.
    BufferedPut,
    /// Put a new key with 256 B, which survives a loss of power.
    SyncedPut,
}

/// How the engine is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Access {
    /// Directly.
    Raw,
    /// As a store.
    Store,
    /// As a store, through one layer that passes everything through.
    #[value(name = "layers-1")]
    Layers1,
    /// Through three layers.
    #[value(name = "layers-3")]
    Layers3,
    /// Through five layers.
    #[value(name = "layers-5")]
    Layers5,
    /// As a `SharedStore`.
    Shared,
}

impl Cell {
    /// The arguments that make this program measure the cell, with its store
    /// somewhere in `directory`.
    pub(crate) fn arguments(self, directory: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["cell".into()];
        let tasks = self.tasks.to_string();
        for (option, value) in [
            ("--engine", name(&self.engine)),
            ("--workload", name(&self.workload)),
            ("--access", name(&self.access)),
            ("--tasks", tasks),
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
            access,
            tasks,
        } = self;
        let (engine, workload, access) = (name(engine), name(workload), name(access));
        write!(f, "{engine} {workload}, {tasks} tasks, {access}")
    }
}

/// A value as it is written on the command line.
pub(crate) fn name(value: &impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

/// The cell to measure.
#[derive(Debug, Args)]
pub(crate) struct CellArgs {
    #[arg(long)]
    engine: Engine,
    #[arg(long)]
    workload: Workload,
    #[arg(long)]
    access: Access,
    #[arg(long)]
    tasks: u32,
    #[arg(long)]
    directory: PathBuf,
    /// How many operations, for a profiler that makes each slow.
    #[arg(long)]
    operations: Option<u32>,
}

/// Measures a cell and prints the measurement.
pub(crate) fn run_cell(args: &CellArgs) -> Result<()> {
    let directory = tempfile::Builder::new()
        .prefix("storage-bench-")
        .tempdir_in(&args.directory)
        .with_context(|| format!("cannot make a directory in {}", args.directory.display()))?;
    let path = directory.path().join("store");
    let mut data = Data::of(args.engine, args.workload, args.tasks);
    data.operations = args.operations.unwrap_or(data.operations);
    let measurement = match (args.engine, args.access) {
        (Engine::Memory, Access::Raw) => measure(args, data, async || Ok(RawMap::default())),
        (Engine::Memory, _) => measure_stored(args, data, async || Ok(open_memory())),
        (Engine::Fjall, Access::Raw) => measure(args, data, async || RawFjall::open(&path)),
        (Engine::Fjall, _) => measure_stored(args, data, async || open_fjall(&path).await),
    }?;
    println!("{}", serde_json::to_string(&measurement)?);
    Ok(())
}

fn open_memory() -> MemoryBackend {
    MemoryConfig::new().open()
}

async fn open_fjall(path: &Path) -> Result<FjallBackend> {
    Ok(FjallConfig::new(path).open().await?)
}

fn measure<T: Target>(
    args: &CellArgs,
    data: Data,
    open: impl AsyncFnOnce() -> Result<T>,
) -> Result<Measurement> {
    drive(open, args.workload, args.tasks, data)
}

fn measure_stored<S: Store>(
    args: &CellArgs,
    data: Data,
    open: impl AsyncFnOnce() -> Result<S>,
) -> Result<Measurement> {
    match args.access {
        Access::Shared => measure(args, data, async || {
            Ok(Stored(SharedStore::new(open().await?)))
        }),
        Access::Layers1 => measure(args, data, async || {
            let one = Stack::on(open().await?).with(PassThrough);
            Ok(Stored(one.open().await?))
        }),
        Access::Layers3 => measure(args, data, async || {
            let one = Stack::on(open().await?).with(PassThrough);
            let three = one.with(PassThrough).with(PassThrough);
            Ok(Stored(three.open().await?))
        }),
        Access::Layers5 => measure(args, data, async || {
            let one = Stack::on(open().await?).with(PassThrough);
            let three = one.with(PassThrough).with(PassThrough);
            let five = three.with(PassThrough).with(PassThrough);
            Ok(Stored(five.open().await?))
        }),
        // A raw engine is no store; it is measured elsewhere.
        Access::Store | Access::Raw => measure(args, data, async || Ok(Stored(open().await?))),
    }
}
