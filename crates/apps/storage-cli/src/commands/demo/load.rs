//! Importing the demo's files: in the child that is killed, then the rest.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::Args;
use storage::{
    Put, SharedStore,
    bulk::{BulkLimits, BulkReport, BulkWriter, Unchanged},
};

use super::manifest::{Manifest, Sample};
use crate::{
    context::Context,
    failure::{Failure, Result},
    interrupts,
    output::Output,
    progress::Progress,
    status::Status,
};

#[derive(Debug, Args)]
pub(crate) struct DemoImportArguments {
    /// The list of the files.
    #[arg(long)]
    pub(super) manifest: PathBuf,
    /// The directory they are in.
    #[arg(long)]
    pub(super) root: PathBuf,
    /// How many files go into one batch.
    #[arg(long)]
    pub(super) batch_entries: usize,
    /// How many bytes go into one batch.
    #[arg(long)]
    pub(super) batch_bytes: usize,
}

/// Imports the files, saying after each batch on standard output how many files
/// the store has acknowledged. Then waits to be killed: the store is
/// never closed.
pub(crate) async fn run(
    arguments: DemoImportArguments,
    context: &Context,
    output: &mut Output,
) -> Result<Status> {
    let store = context.store_url()?.parsed()?.open().await?;
    let limits = BulkLimits {
        entries_max: arguments.batch_entries,
        bytes_max: arguments.batch_bytes,
    };
    let mut batches = BulkWriter::new(&store, limits, Unchanged::Rewrite);
    let mut told = BulkReport::default();
    for sample in Manifest::at(arguments.manifest).read()? {
        add(&mut batches, &arguments.root, sample?).await?;
        if batches.acknowledged() != told {
            told = batches.acknowledged();
            tell(output, told)?;
        }
    }
    tell(output, batches.finish().await?)?;
    // The end of standard input means that the parent is gone.
    io::stdin()
        .lock()
        .read_to_end(&mut Vec::new())
        .map_err(|error| Failure::io("wait for the parent", &error))?;
    Ok(Status::Other)
}

/// Imports the samples that are left, as durably as the store can.
pub(super) async fn import_rest(
    store: &SharedStore,
    root: &Path,
    samples: impl Iterator<Item = Result<Sample>>,
) -> Result<()> {
    let progress = Progress::of_unknown("importing the rest");
    let mut batches = BulkWriter::new(store, BulkLimits::default(), Unchanged::Rewrite);
    for sample in samples {
        interrupts::check()?;
        let sample = sample?;
        let bytes = sample.bytes;
        add(&mut batches, root, sample).await?;
        progress.add(bytes);
    }
    batches.finish().await?;
    Ok(())
}

async fn add(batches: &mut BulkWriter<'_, SharedStore>, root: &Path, sample: Sample) -> Result<()> {
    let value = sample.read(root)?;
    Ok(batches.put(Put::new(sample.key, value)).await?)
}

fn tell(output: &mut Output, acknowledged: BulkReport) -> Result<()> {
    output.line(acknowledged.written.entries.to_string())?;
    output.flush()
}
