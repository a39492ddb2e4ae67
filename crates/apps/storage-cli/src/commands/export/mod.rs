//! `storage export`: a store, to a directory tree or JSON Lines.

mod conflicts;
mod directory;
mod json_lines;
mod path;
mod staged;
mod target;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use serde_json::json;
use storage::{Count, prelude::*};

use crate::{
    context::Context,
    failure::{Failure, Result},
    interrupts,
    output::{Form, Output},
    own_files::OwnFiles,
    progress::Progress,
    status::Status,
    units,
};

/// Write the store to a directory tree or JSON Lines.
///
/// A directory: each entry becomes a file whose path is its key. An empty entry
/// whose key ends in `/` becomes an empty directory. Keys that are no path below
/// the directory are refused, before anything is written.
///
/// JSON Lines: each entry becomes `{"key": ..., "value": ...}`, and `"expires"`,
/// in milliseconds since 1970, if it does. What is not UTF-8 is written as
/// hexadecimal digits in `key_hex` and `value_hex`.
///
/// `storage import` of either gives the same store again; a directory says
/// nothing of expiry.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ExportArguments {
    /// A directory, a file of JSON Lines, or `-` for JSON Lines on standard
    /// output.
    target: PathBuf,
    /// What to write. By default JSON Lines where the target is `-` or ends in
    /// .jsonl or .ndjson, else a directory.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write into a directory that is not empty, replacing files of the same
    /// name, or replace a file.
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A directory tree.
    Directory,
    /// One JSON object a line.
    Jsonl,
}

/// What to do with what is at the target already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Existing {
    Refuse,
    Replace,
}

pub(crate) async fn run(
    arguments: ExportArguments,
    context: &Context,
    output: &mut Output,
) -> Result<Status> {
    if arguments.target != Path::new("-") {
        interrupts::heed()?;
    }
    let started = Instant::now();
    let exported = context
        .with_existing_store(async |store| match store.snapshot().await {
            Ok(snapshot) => export(&snapshot, &arguments, context, output).await,
            // Each page is consistent in itself then.
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                export(store, &arguments, context, output).await
            }
            Err(error) => Err(error.into()),
        })
        .await?;
    if arguments.target != Path::new("-") {
        report(exported, started.elapsed(), context, output)?;
    }
    Ok(Status::Done)
}

async fn export<R: Read>(
    source: &R,
    arguments: &ExportArguments,
    context: &Context,
    output: &mut Output,
) -> Result<Count> {
    let existing = if arguments.force {
        Existing::Replace
    } else {
        Existing::Refuse
    };
    let target = arguments.target.as_path();
    let own_files = OwnFiles::of(&context.store_url()?.parsed()?);
    match arguments.format.unwrap_or_else(|| Format::of(target)) {
        Format::Directory if target == Path::new("-") => {
            Err(Failure::usage("standard output is no directory")
                .remedy("leave out --format, or name a directory"))
        }
        Format::Directory => {
            own_files.refuse_as_target(target)?;
            directory::export(source, target, existing, &own_files).await
        }
        Format::Jsonl if target == Path::new("-") => {
            let progress = Progress::of_unknown("exporting");
            json_lines::write(source, output.writer(), context.notation, &progress).await
        }
        Format::Jsonl => {
            own_files.refuse_as_target(target)?;
            json_lines::export(source, target, existing, context.notation).await
        }
    }
}

impl Format {
    fn of(target: &Path) -> Self {
        let extension = target.extension().and_then(|extension| extension.to_str());
        let is_lines = matches!(extension, Some("jsonl" | "ndjson"));
        if target == Path::new("-") || (is_lines && !target.is_dir()) {
            Self::Jsonl
        } else {
            Self::Directory
        }
    }
}

fn report(
    exported: Count,
    elapsed: Duration,
    context: &Context,
    output: &mut Output,
) -> Result<()> {
    let Count { entries, bytes, .. } = exported;
    match context.form {
        Form::Json => output.line(
            json!({
                "entries": entries,
                "bytes": bytes,
                "seconds": elapsed.as_secs_f64(),
            })
            .to_string(),
        ),
        Form::Text => output.line(format!(
            "exported {} ({}) in {}, {}",
            units::entries(entries),
            units::bytes(bytes),
            units::seconds(elapsed),
            units::rate(bytes, elapsed)
        )),
    }
}

#[cfg(test)]
pub(crate) async fn to_lines<R: Read>(source: &R, path: &Path) -> Result<()> {
    let notation = crate::notation::Notation::Plain;
    json_lines::export(source, path, Existing::Refuse, notation)
        .await
        .map(drop)
}

#[cfg(test)]
pub(crate) async fn to_directory<R: Read>(source: &R, path: &Path) -> Result<()> {
    let own_files = OwnFiles::of(&storage::StoreUrl::Memory);
    directory::export(source, path, Existing::Refuse, &own_files)
        .await
        .map(drop)
}
