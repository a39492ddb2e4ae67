//! One figure: an engine, called in one way, doing one kind of work.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use super::{data::Data, engines};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tempfile::TempDir;

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
    /// RocksDB.
    #[cfg(feature = "rocks")]
    Rocks,
    /// sled.
    Sled,
    /// SQLite.
    Sqlite,
    /// Files in directories.
    Fs,
}

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Workload {
    /// Get a value of 256 B that is in memory.
    Get,
    /// Scan 100 entries of 256 B that are in memory.
    Scan,
    /// Put a new key with 256 B, which may die with the process.
    VolatilePut,
    /// Put a new key with 256 B, which survives the process.
    BufferedPut,
    /// Put a new key with 256 B, which survives a loss of power.
    SyncedPut,
}

/// How the engine is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Access {
    /// Directly, by tasks of an async runtime.
    Raw,
    /// Directly, by a thread for each task.
    RawThreads,
    /// Directly, by tasks of an async runtime, one put at a time.
    RawInTurn,
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
        if self.engine == Engine::Fs {
            arguments.push("--keep".into());
        }
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
    pub(super) engine: Engine,
    #[arg(long)]
    pub(super) workload: Workload,
    #[arg(long)]
    pub(super) access: Access,
    #[arg(long)]
    pub(super) tasks: u32,
    #[arg(long)]
    directory: PathBuf,
    /// Leave the store there, for the caller to remove. ext4 without a journal
    /// gives no inode again for minutes after its file was removed, and looks at
    /// each that it must not give: whoever makes files next pays for it.
    #[arg(long)]
    keep: bool,
    /// How many operations, for a profiler that makes each slow.
    #[arg(long)]
    operations: Option<u32>,
}

/// Measures a cell and prints the measurement.
pub(crate) fn run_cell(args: &CellArgs) -> Result<()> {
    let directory = directory_in(&args.directory)?;
    let mut data = Data::of(args.engine, args.workload, args.tasks);
    data.operations = args.operations.unwrap_or(data.operations);
    let measurement = engines::measure(args, data, &directory.path().join("store"))?;
    if args.keep {
        let _kept = directory.keep();
    }
    println!("{}", serde_json::to_string(&measurement)?);
    Ok(())
}

/// A temporary directory for stores.
pub(crate) fn directory_in(parent: &Path) -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix("storage-bench-")
        .tempdir_in(parent)
        .with_context(|| format!("cannot make a directory in {}", parent.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_stores_of_many_files_are_kept_while_others_are_measured() {
        for engine in Engine::value_variants() {
            let cell = Cell {
                engine: *engine,
                workload: Workload::Get,
                access: Access::Raw,
                tasks: 1,
            };
            let is_kept = cell.arguments(Path::new("d")).contains(&"--keep".into());
            assert_eq!(is_kept, *engine == Engine::Fs, "{cell}");
        }
    }

    #[test]
    fn a_kept_store_outlives_its_measurement_and_no_other_does() {
        for (keep, left) in [(true, 1), (false, 0)] {
            let directory = directory_in(&std::env::temp_dir()).unwrap();
            run_cell(&CellArgs {
                engine: Engine::Fs,
                workload: Workload::Get,
                access: Access::Raw,
                tasks: 1,
                directory: directory.path().to_owned(),
                keep,
                operations: Some(1),
            })
            .unwrap();
            assert_eq!(directory.path().read_dir().unwrap().count(), left);
        }
    }
}
