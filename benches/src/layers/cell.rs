//! One time: something that is read from, and whether what is read is cached.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::speed;
use crate::overhead::{directory_in, name};

/// What one process measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cell {
    pub(crate) subject: Subject,
    pub(crate) reads: Reads,
}

/// What is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Subject {
    /// The layer, as the default is.
    Cache,
    /// The layer where others write to the store, so that it asks the clock.
    CacheShared,
    /// The layer with the policy LRU.
    CacheLru,
    /// The cache that the layer uses by default, alone.
    QuickCache,
    /// Moka's cache for async programs.
    Moka,
    /// The store below, alone.
    Fjall,
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Reads {
    /// 10,000 values of 256 B, all of which are cached.
    Hits,
    /// 100,000 values of 256 B that lie in memory, of which one in a hundred is cached.
    Misses,
}

impl Cell {
    /// The arguments that make this program measure the cell, with its store
    /// somewhere in `directory`.
    pub(super) fn arguments(self, directory: &Path) -> Vec<OsString> {
        let (subject, reads) = (name(&self.subject), name(&self.reads));
        let options = [
            "--subject".into(),
            subject.into(),
            "--reads".into(),
            reads.into(),
        ];
        let mut arguments: Vec<OsString> = vec!["layers-cell".into()];
        arguments.extend(options);
        arguments.extend(["--directory".into(), directory.into()]);
        arguments
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", name(&self.reads), name(&self.subject))
    }
}

/// The cell to measure.
#[derive(Debug, Args)]
pub(crate) struct CellArgs {
    #[arg(long)]
    subject: Subject,
    #[arg(long)]
    reads: Reads,
    #[arg(long)]
    directory: PathBuf,
}

/// Measures a cell and prints the measurement.
pub(crate) fn run_cell(args: &CellArgs) -> Result<()> {
    let directory = directory_in(&args.directory)?;
    let cell = Cell {
        subject: args.subject,
        reads: args.reads,
    };
    let measurement = speed::measure(cell, &directory.path().join("store"))?;
    println!("{}", serde_json::to_string(&measurement)?);
    Ok(())
}
