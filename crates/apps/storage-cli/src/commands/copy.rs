//! `storage copy`: a whole store, to another one.
//!
//! 1. Everything is copied from a snapshot, and the target closed.
//! 2. The target is opened again, and both are read and compared.

use std::{
    fmt,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::{Value, json};
use storage::{
    Count, SharedStore, StoreUrl,
    bulk::{self, BulkReport, CopyOptions, CopySource, CopyStart, Digest},
    prelude::*,
};

use crate::{
    context::{Context, refuse_absent, with_engine_at, with_existing_engine_at},
    failure::{Failure, Result},
    given_url::GivenUrl,
    interrupts,
    notation::Notation,
    output::{Form, Output},
    own_files::{self, OwnFiles},
    progress::Progress,
    status::Status,
    units,
};

/// Copy a whole store to another one, and compare the two.
///
/// Keys, values and expiries are copied, and what layers keep beside them. The
/// target has an identity of its own and names the source as where its data is
/// from. Then both are read and compared by hash.
///
/// A copy that was interrupted or killed is completed with --resume, which
/// compares what is there already with the source.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CopyArguments {
    /// The store to copy; by default that of --store.
    #[arg(long, value_name = "URL")]
    from: Option<GivenUrl>,
    /// Where to: an empty store, or a place where there is none.
    #[arg(long, value_name = "URL")]
    to: GivenUrl,
    /// Complete an earlier copy of the same store.
    #[arg(long)]
    resume: bool,
}

pub(crate) async fn run(
    arguments: CopyArguments,
    context: &Context,
    output: &mut Output,
) -> Result<Status> {
    let pair = Pair::of(&arguments, context)?;
    interrupts::heed()?;
    let started = Instant::now();
    let copied =
        with_existing_engine_at(&pair.from, async |source| {
            match CopySource::of_snapshot(source).await {
                Ok(snapshot) => pair.copy(&snapshot).await,
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    Progress::of_unknown("copying").note(
                    "the source has no snapshots: what is written to it meanwhile may be missing",
                );
                    pair.copy(&CopySource::of_live(source.clone()).await?).await
                }
                Err(error) => Err(error.into()),
            }
        })
        .await?;
    match context.form {
        Form::Json => output.line(copied.to_json(&pair, started.elapsed()).to_string())?,
        Form::Text => output.bytes(copied.to_string().as_bytes())?,
    }
    Ok(Status::Done)
}

/// The two stores, which are not the same.
#[derive(Debug)]
struct Pair {
    from: StoreUrl,
    to: StoreUrl,
    start: CopyStart,
    notation: Notation,
}

impl Pair {
    fn of(arguments: &CopyArguments, context: &Context) -> Result<Self> {
        let from_url = match &arguments.from {
            Some(url) => url,
            None => context.store_url().map_err(|failure| {
                failure.remedy("give --from fjall:PATH, or --store, or set STORAGE_URL")
            })?,
        };
        let (from, to) = (from_url.parsed()?, arguments.to.parsed()?);
        for url in [&from, &to] {
            if *url == StoreUrl::Memory {
                return Err(Failure::usage(
                    "a store in memory is empty when the command begins, and gone when it ends",
                )
                .remedy("name two stores that last"));
            }
        }
        let own_files = OwnFiles::of(&from);
        let is_same_place = to
            .directory()
            .is_some_and(|path| own_files.are_at(&own_files::resolved(path)));
        if from == to || is_same_place {
            return Err(Failure::usage("source and target are the same store")
                .remedy("name another target"));
        }
        if let Some(path) = to.directory() {
            own_files.refuse_as_target(path)?;
        }
        if let Some(path) = from.directory() {
            refuse_absent(path)?;
        }
        Ok(Self {
            from,
            to,
            start: if arguments.resume {
                CopyStart::Resume
            } else {
                CopyStart::Empty
            },
            notation: context.notation,
        })
    }

    async fn copy<R: Read>(&self, source: &CopySource<R>) -> Result<Copied> {
        let started = Instant::now();
        let transferred = with_engine_at(&self.to, async |target| {
            transfer(source, target, self.start, self.notation).await
        });
        let report = match transferred.await {
            Ok(report) => report,
            Err(failure) => return Err(self.advised(failure, self.start).await),
        };
        let copying = started.elapsed();
        let started = Instant::now();
        let verified = with_engine_at(&self.to, async |target| verify(source, target).await);
        match verified.await {
            Ok(digest) => Ok(Copied {
                report,
                copying,
                digest,
                verifying: started.elapsed(),
            }),
            Err(failure) => Err(self.advised(failure, CopyStart::Resume).await),
        }
    }

    /// The failure of a copy, also of an open or a close, and how to go on: that
    /// is for the mark in the target to say. Where it cannot be read, a copy is
    /// there if it was to be resumed.
    async fn advised(&self, failure: Failure, start: CopyStart) -> Failure {
        if let Some(path) = self.to.directory()
            && refuse_absent(path).is_err()
        {
            return failure;
        }
        let mark = with_existing_engine_at(&self.to, async |target| {
            Ok(bulk::unfinished_copy(target).await?)
        });
        match (mark.await, start) {
            (Ok(Some(_)), _) => failure.note(UNFINISHED),
            (Err(_), CopyStart::Resume) => failure.note(UNREADABLE),
            _ => failure,
        }
    }
}

/// What is so while the target has its mark.
const UNFINISHED: &str = "the copy is not finished, and what was copied stays in the target: run \
                          the same command with --resume";

/// What is so if nobody can tell whether it has.
const UNREADABLE: &str = "the copy is not finished: run the same command with --resume, once the \
                          target can be read";

/// Copies everything; the target must be opened again before it is verified.
async fn transfer<R: Read>(
    source: &CopySource<R>,
    target: &SharedStore,
    start: CopyStart,
    notation: Notation,
) -> Result<BulkReport> {
    let progress = Progress::of_unknown("copying");
    let options = CopyOptions::starting(start);
    let copied = source.copy_to(target, &options, |read| watch(&progress, read));
    let error = match copied.await {
        Ok(report) => return Ok(report),
        Err(error) => error,
    };
    let is_refusal = matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unsupported);
    if !is_refusal {
        return Err(stopped(error, target, "nothing was copied").await);
    }
    // Only the entry that does not fit is named, and named again by its key.
    if error.key().is_none() {
        return Err(error.into());
    }
    match source.first_unfit(target).await? {
        Some((key, _)) => Err(Failure::from(error).within(format!(
            "the target does not take the entry `{}`",
            notation.shown(key.bytes())
        ))),
        None => Err(error.into()),
    }
}

/// Compares the two stores, which finishes the copy.
async fn verify<R: Read>(source: &CopySource<R>, target: &SharedStore) -> Result<Digest> {
    let progress = Progress::of_unknown("verifying");
    match source.verify(target, |read| watch(&progress, read)).await {
        Ok(digest) => Ok(digest),
        Err(error) => {
            let unmarked = "the two are the same, and the copy is finished all the same";
            Err(stopped(error, target, unmarked).await)
        }
    }
}

fn watch(progress: &Progress, read: Count) -> storage::Result<()> {
    progress.reach_entries(read);
    if interrupts::arrived() {
        return Err(storage::Error::new(ErrorKind::Unavailable, "interrupted"));
    }
    Ok(())
}

/// The failure of a copy, and what can be done with what there is of it.
/// `unmarked` is what is so if the target is no unfinished copy.
async fn stopped(error: storage::Error, target: &SharedStore, unmarked: &str) -> Failure {
    let failure = match interrupts::check() {
        Err(interrupted) => interrupted,
        Ok(()) => Failure::from(error),
    };
    match bulk::unfinished_copy(target).await {
        Ok(Some(_)) => failure.note(UNFINISHED),
        Ok(None) => failure.note(unmarked),
        Err(_) => failure.note(UNREADABLE),
    }
}

/// A copy that was verified.
#[derive(Debug)]
struct Copied {
    report: BulkReport,
    copying: Duration,
    digest: Digest,
    verifying: Duration,
}

impl Copied {
    fn to_json(&self, pair: &Pair, elapsed: Duration) -> Value {
        let BulkReport {
            written, unchanged, ..
        } = self.report;
        json!({
            "from": pair.from.to_string(),
            "to": pair.to.to_string(),
            "entries": written.entries + unchanged.entries,
            "bytes": written.bytes + unchanged.bytes,
            "unchanged": unchanged.entries,
            "removed": self.report.removed,
            "verified": {
                "entries": self.digest.count.entries,
                "bytes": self.digest.count.bytes,
                "blake3": self.digest.to_string(),
            },
            "seconds": elapsed.as_secs_f64(),
        })
    }
}

impl fmt::Display for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "copied {}{}",
            units::loaded(&self.report, self.copying),
            match self.report.removed {
                0 => String::new(),
                removed => format!(
                    "; {} that the source has no more removed",
                    units::entries(removed)
                ),
            }
        )?;
        writeln!(
            f,
            "verified {} ({}) in {}; blake3 {}",
            units::entries(self.digest.count.entries),
            units::bytes(self.digest.count.bytes),
            units::seconds(self.verifying),
            self.digest
        )
    }
}

/// A whole copy between two open stores, begun or not.
#[cfg(test)]
pub(crate) async fn between(
    source: &SharedStore,
    target: &SharedStore,
    notation: Notation,
) -> Result<()> {
    let source = CopySource::of_snapshot(source).await?;
    transfer(&source, target, CopyStart::Resume, notation).await?;
    verify(&source, target).await.map(drop)
}
