//! `storage demo`: real files through a killed import, and every byte checked.
//!
//! 1. The files are listed in a [`manifest`], with a hash of each.
//! 2. A child process [imports](load) them and says after each batch that the
//!    store acknowledged it. Half-way through it is [killed](interrupt).
//! 3. The store is opened again, and every acknowledged file is
//!    [read back](verify). The rest is imported, and the store closed.
//! 4. The store is opened once more, and every file is read back.

mod interrupt;
mod load;
mod manifest;
mod report;
mod source;
mod verify;
mod workshop;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use storage::prelude::*;

pub(crate) use self::load::{DemoImportArguments, run as import};
use self::{
    interrupt::Interrupted,
    manifest::{Manifest, Survey},
    report::Report,
    source::Source,
    verify::Verdict,
    workshop::Workshop,
};
use crate::{
    context::{Context, with_store_at},
    failure::Result,
    interrupts,
    output::{Form, Output},
    status::Status,
};

/// Import real files, kill the import half-way, and check every byte.
///
/// Without PATH: up to 200 MB of the crate sources that cargo has downloaded,
/// else of the repository around the current directory.
///
/// Exits with 5 if anything that the store acknowledged is missing or differs.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct DemoArguments {
    /// The directory to import, all of it.
    path: Option<PathBuf>,
    /// Keep the store, and say where it is. One named with --store is always
    /// kept.
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(
    arguments: DemoArguments,
    context: &Context,
    output: &mut Output,
) -> Result<Status> {
    let source = Source::choose(arguments.path)?;
    // The workshop is tidied up on the way out.
    interrupts::heed()?;
    let workshop = Workshop::set_up(context.store.as_ref(), arguments.keep)?;
    workshop.refuse_in_source(&source.root)?;
    let limits = workshop.empty_store_limits().await?;
    let manifest = Manifest::at(workshop.manifest_path());
    let survey = manifest.write(&source, limits)?;

    let interrupted = interrupt::import_until_killed(&workshop, &manifest, &source.root, &survey)?;
    let recovered = recover(&workshop, &manifest, &source.root, interrupted.files).await?;
    let complete = check_all(&workshop, &manifest).await?;

    let report = Report {
        source: source.root,
        store: workshop.url().to_string(),
        survey,
        interrupted,
        recovered,
        complete,
    };
    match context.form {
        Form::Json => output.line(report.to_json().to_string())?,
        Form::Text => output.bytes(report.to_string().as_bytes())?,
    }
    let is_sound = report.is_sound();
    workshop.tidy_up(output, context.form)?;
    Ok(if is_sound {
        Status::Done
    } else {
        Status::Corrupt
    })
}

/// What the store held when it was opened after the kill.
#[derive(Debug)]
struct Recovered {
    /// How long the open took, in seconds.
    open_seconds: f64,
    files_found: u64,
    /// Of the acknowledged files.
    verdict: Verdict,
}

/// The store after the whole import, closed and opened again.
#[derive(Debug)]
struct Complete {
    verdict: Verdict,
    disk_bytes: Option<u64>,
}

async fn recover(
    workshop: &Workshop,
    manifest: &Manifest,
    root: &Path,
    acknowledged: u64,
) -> Result<Recovered> {
    let opening = Instant::now();
    with_store_at(workshop.url(), async |store| {
        let open_seconds = opening.elapsed().as_secs_f64();
        let files_found = store.count(KeyRange::all()).await?;
        let samples = manifest.read()?.take(usize_of(acknowledged));
        let verdict = verify::read_back(store, samples, "checking what was acknowledged").await?;
        let rest = manifest.read()?.skip(usize_of(acknowledged));
        load::import_rest(store, root, rest).await?;
        Ok(Recovered {
            open_seconds,
            files_found,
            verdict,
        })
    })
    .await
}

async fn check_all(workshop: &Workshop, manifest: &Manifest) -> Result<Complete> {
    with_store_at(workshop.url(), async |store| {
        Ok(Complete {
            verdict: verify::read_back(store, manifest.read()?, "checking everything").await?,
            disk_bytes: store.stats().await?.disk_bytes,
        })
    })
    .await
}

fn usize_of(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
