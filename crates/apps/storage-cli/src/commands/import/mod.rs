//! `storage import`: a directory tree, or JSON Lines, into a store.

mod directory;
mod json_lines;
mod lines;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::json;
use storage::{
    Outcome, SharedStore,
    bulk::{BulkLimits, BulkReport, BulkWriter, Unchanged},
    prelude::*,
};

use crate::{
    context::Context,
    failure::{Failure, Result},
    interrupts,
    output::{Form, Output},
    own_files::OwnFiles,
    status::Status,
    tree::Symlinks,
    units,
};

/// Write a directory tree or JSON Lines into the store.
///
/// A directory: each file becomes an entry whose key is its path below SOURCE,
/// with `/` between the parts. An empty directory becomes an empty entry whose
/// key ends in `/`.
///
/// JSON Lines with --key: each line becomes an entry whose value is the line
/// and whose key is the named field. Without --key: each line is a record as
/// `storage export` writes it.
///
/// Entries that are there already are replaced, and those that are the same are
/// left as they are: running an import again that was killed or interrupted
/// completes it. The import is durable when the command ends.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ImportArguments {
    /// A directory, a file of JSON Lines, or `-` for JSON Lines on standard
    /// input.
    source: PathBuf,
    /// The field of each line that is its key, a string or a number.
    #[arg(long, value_name = "FIELD")]
    key: Option<String>,
    /// What to do about symbolic links in a directory.
    #[arg(long, value_enum, default_value_t = Symlinks::Follow)]
    symlinks: Symlinks,
}

/// What an import did.
#[derive(Debug, Default)]
struct Imported {
    report: BulkReport,
    empty_directories: u64,
    skipped: u64,
}

pub(crate) async fn run(
    arguments: ImportArguments,
    context: &Context,
    output: &mut Output,
) -> Result<Status> {
    let is_directory = arguments.source.is_dir();
    check(&arguments, is_directory)?;
    if arguments.source != Path::new("-") {
        // The store would import itself, growing as it goes.
        let url = context.store_url()?.parsed()?;
        OwnFiles::of(&url).refuse_in_source(&arguments.source)?;
    }
    // Nothing could be checked while a pipe or a terminal keeps silent.
    if is_directory || arguments.source.is_file() {
        interrupts::heed()?;
    }
    let started = Instant::now();
    let imported = context
        .with_store(async |store| {
            if is_directory {
                directory::import(store, &arguments.source, arguments.symlinks).await
            } else {
                let key = arguments.key.as_deref();
                json_lines::import(store, &arguments.source, key).await
            }
        })
        .await?;
    report(&imported, started.elapsed(), context, output)?;
    Ok(Status::Done)
}

fn check(arguments: &ImportArguments, is_directory: bool) -> Result<()> {
    let source = &arguments.source;
    if is_directory && arguments.key.is_some() {
        return Err(Failure::usage(format!(
            "--key is for JSON Lines, and {} is a directory",
            source.display()
        ))
        .remedy("leave out --key; the key of a file is its path"));
    }
    if source != Path::new("-") && !source.exists() {
        return Err(Failure::usage(format!("there is no {}", source.display()))
            .remedy("name a directory, a file of JSON Lines, or - for standard input"));
    }
    Ok(())
}

/// Runs a load. If it fails, what it read before that is made durable.
async fn with_batches(
    store: &SharedStore,
    load: impl AsyncFnOnce(&mut BulkWriter<'_, SharedStore>) -> Result<()>,
) -> Result<BulkReport> {
    let unchanged = treatment_of_unchanged(store).await?;
    let mut batches = BulkWriter::new(store, BulkLimits::default(), unchanged);
    match load(&mut batches).await {
        Ok(()) => {
            let acknowledged = batches.acknowledged();
            let finished = batches.finish().await;
            finished.map_err(|error| stopped(error.into(), &acknowledged, InDoubt::Nothing))
        }
        Err(failure) => Err(stop(batches, failure).await),
    }
}

/// What is in the store already is read and compared; in an empty one, nothing
/// needs to be.
async fn treatment_of_unchanged(store: &SharedStore) -> Result<Unchanged> {
    let first = ScanOptions::new().keys_only().entries_max(1);
    let is_empty = store.scan(KeyRange::all(), first).next().await?.is_none();
    Ok(if is_empty {
        Unchanged::Rewrite
    } else {
        Unchanged::LeaveOut
    })
}

/// Makes what was read so far durable, and adds to the failure how much that is.
async fn stop(batches: BulkWriter<'_, SharedStore>, failure: Failure) -> Failure {
    let acknowledged = batches.acknowledged();
    match batches.finish().await {
        Ok(report) => stopped(failure, &report, InDoubt::Nothing),
        // The store fails, so no more than it acknowledged is known to be in it.
        Err(error) if error.outcome() == Some(Outcome::Unknown) => {
            stopped(failure, &acknowledged, InDoubt::LastBatch)
        }
        Err(_) => stopped(failure, &acknowledged, InDoubt::Nothing),
    }
}

/// What may be in the store beside what it acknowledged, and beside what the
/// failure itself leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InDoubt {
    Nothing,
    LastBatch,
}

/// Adds to the failure of an import what is in the store.
fn stopped(failure: Failure, report: &BulkReport, in_doubt: InDoubt) -> Failure {
    let is_known = in_doubt == InDoubt::Nothing && !failure.leaves_open();
    let entries = report.written.entries + report.unchanged.entries;
    let came_before = || {
        format!(
            "what came before it, {}, is in the store",
            units::entries(entries)
        )
    };
    failure.note(match (entries, is_known) {
        (0, true) => "nothing was imported".to_owned(),
        (0, false) => "some of it may be in the store; run it again to complete it".to_owned(),
        (_, true) => format!("{}; run it again to complete it", came_before()),
        (_, false) => format!(
            "{}, and some more may be; run it again to complete it",
            came_before()
        ),
    })
}

fn report(
    imported: &Imported,
    elapsed: Duration,
    context: &Context,
    output: &mut Output,
) -> Result<()> {
    let BulkReport {
        written, unchanged, ..
    } = imported.report;
    match context.form {
        Form::Json => output.line(
            json!({
                "entries": written.entries + unchanged.entries,
                "bytes": written.bytes + unchanged.bytes,
                "unchanged": unchanged.entries,
                "empty_directories": imported.empty_directories,
                "skipped": imported.skipped,
                "seconds": elapsed.as_secs_f64(),
            })
            .to_string(),
        ),
        Form::Text => output.line(format!(
            "imported {}",
            units::loaded(&imported.report, elapsed)
        )),
    }
}

#[cfg(test)]
pub(crate) async fn from_directory(store: &SharedStore, root: &Path) -> Result<()> {
    directory::import(store, root, Symlinks::Skip)
        .await
        .map(drop)
}

#[cfg(test)]
pub(crate) async fn from_lines(store: &SharedStore, source: &Path, key: &str) -> Result<()> {
    json_lines::import(store, source, Some(key)).await.map(drop)
}
