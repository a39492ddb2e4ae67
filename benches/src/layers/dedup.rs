//! What deduplication costs, and what it saves: puts into fjall, against the same puts of
//! a plain store.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::{Args, ValueEnum};
use storage::{
    Durability, Random, SeededRandom, Stack, Store, WriteBatch, WriteOptions,
    dedup::{CollectConfig, DedupConfig, DedupLayer},
    fjall::FjallConfig,
};
use tokio::runtime::Builder;

use crate::{
    measure::{Bar, Comparison, Figure, Labels, Measurement, Stopwatch},
    overhead::{directory_in, name},
};

/// What one process measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cell {
    subject: Subject,
    values: Values,
    durability: Asked,
}

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Subject {
    /// The store under the layer.
    Dedup,
    /// The store alone.
    Plain,
}

/// What is put, each under a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Values {
    /// 16 KiB, no two alike.
    #[value(name = "unique-16-kb")]
    Unique,
    /// 16 KiB, nine of ten of which were put lately.
    #[value(name = "duplicate-16-kb")]
    Duplicate,
    /// 1 KiB, which the layer leaves in their rows.
    #[value(name = "short-1-kb")]
    Short,
}

/// What commits survive before they are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Asked {
    /// The end of the process.
    Buffered,
    /// A loss of power.
    Synced,
}

impl Values {
    const fn bytes(self) -> usize {
        match self {
            Self::Unique | Self::Duplicate => 16 << 10,
            Self::Short => 1 << 10,
        }
    }

    /// Enough to take a fraction of a second to a few.
    const fn operations(self, durability: Asked) -> u32 {
        match (self, durability) {
            (_, Asked::Synced) => 500,
            (Self::Unique | Self::Duplicate, Asked::Buffered) => 6_000,
            (Self::Short, Asked::Buffered) => 50_000,
        }
    }

    const fn bar(self) -> f64 {
        match self {
            Self::Unique => 1.3,
            Self::Duplicate => 0.4,
            Self::Short => 1.1,
        }
    }

    /// Which value is put as the operation of this number.
    const fn number(self, operation: u32) -> u32 {
        match self {
            Self::Duplicate => operation / 10,
            Self::Unique | Self::Short => operation,
        }
    }
}

/// Every row, in the order in which they are printed.
pub(super) fn rows() -> Vec<Comparison<Cell>> {
    let mut rows = Vec::new();
    for durability in Asked::value_variants() {
        for values in Values::value_variants() {
            let cell = |subject| Cell {
                subject,
                values: *values,
                durability: *durability,
            };
            rows.push(Comparison {
                subject: cell(Subject::Dedup),
                baseline: cell(Subject::Plain),
                figure: Figure::Time,
                // What a sync takes hides what the layer does.
                bar: match durability {
                    Asked::Buffered => Some(Bar::AtMost(values.bar())),
                    Asked::Synced => None,
                },
            });
        }
    }
    rows
}

/// What the row of a comparison is called.
pub(super) fn labels(comparison: &Comparison<Cell>) -> Labels {
    let Cell {
        subject,
        values,
        durability,
    } = comparison.subject;
    let workload = format!("put {} {}", name(&durability), name(&values));
    Labels {
        workload: comparison.figure.of_work(&workload, 1),
        engine: "fjall".into(),
        subject: name(&subject),
        baseline: name(&comparison.baseline.subject),
    }
}

impl Cell {
    pub(super) fn arguments(self, directory: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["dedup-cell".into()];
        for (option, value) in [
            ("--subject", name(&self.subject)),
            ("--values", name(&self.values)),
            ("--durability", name(&self.durability)),
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
            subject,
            values,
            durability,
        } = self;
        write!(
            f,
            "{} {}, {}",
            name(durability),
            name(values),
            name(subject)
        )
    }
}

/// The cell to measure.
#[derive(Debug, Args)]
pub(crate) struct DedupCellArgs {
    #[arg(long)]
    subject: Subject,
    #[arg(long)]
    values: Values,
    #[arg(long)]
    durability: Asked,
    #[arg(long)]
    directory: PathBuf,
}

/// Measures a cell and prints the measurement.
pub(crate) fn run_cell(args: &DedupCellArgs) -> Result<()> {
    let directory = directory_in(&args.directory)?;
    let runtime = Builder::new_current_thread().build()?;
    let path = directory.path().join("store");
    let measurement = runtime.block_on(async {
        let engine = FjallConfig::new(&path).open().await?;
        match args.subject {
            Subject::Plain => drive(args, &engine).await,
            Subject::Dedup => {
                let collect = CollectConfig::new().on_demand();
                let layer = DedupLayer::new(DedupConfig::new().collect(collect));
                drive(args, &Stack::on(engine).with(layer).open().await?).await
            }
        }
    })?;
    println!("{}", serde_json::to_string(&measurement)?);
    Ok(())
}

async fn drive(args: &DedupCellArgs, store: &impl Store) -> Result<Measurement> {
    let operations = args.values.operations(args.durability);
    let options = WriteOptions::new().durability(match args.durability {
        Asked::Buffered => Durability::Buffered,
        Asked::Synced => Durability::Synced,
    });
    let mut value = vec![0; args.values.bytes()];
    SeededRandom::new(1).fill(&mut value)?;
    let stopwatch = Stopwatch::start()?;
    for operation in 0..operations {
        // A few bytes make a value another one.
        let number = args.values.number(operation).to_be_bytes();
        for (byte, digit) in value.iter_mut().zip(number) {
            *byte = digit;
        }
        let batch = WriteBatch::new().put(&operation.to_be_bytes(), value.clone());
        store.commit_with(batch, &options).await?;
    }
    let measurement = stopwatch.stop(operations)?;
    store.close().await?;
    Ok(measurement)
}
