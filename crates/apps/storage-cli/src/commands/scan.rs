//! `storage scan`: keys and values in order.

use std::{
    ffi::{OsStr, OsString},
    ops::Bound,
};

use bytes::Bytes;
use clap::Args;
use serde_json::Value;
use storage::{Item, Space, prelude::*};

use crate::{
    context::Context,
    failure::Result,
    output::{Form, Output},
    record,
    status::Status,
};

#[derive(Debug, Args)]
pub(crate) struct ScanArguments {
    /// Only keys that begin with this.
    #[arg(long, conflicts_with_all = ["start", "end"])]
    prefix: Option<OsString>,
    /// Only this key and those after it.
    #[arg(long, value_name = "KEY")]
    start: Option<OsString>,
    /// Only keys before this one.
    #[arg(long, value_name = "KEY")]
    end: Option<OsString>,
    /// From the last key to the first.
    #[arg(long)]
    reverse: bool,
    /// Stop after this many entries.
    #[arg(long, value_name = "ENTRIES")]
    limit: Option<usize>,
    /// Show keys without their values.
    #[arg(long)]
    keys_only: bool,
}

pub(crate) async fn run(
    arguments: ScanArguments,
    context: &Context,
    output: &mut Output,
) -> Result<Status> {
    let range = range(&arguments, context)?;
    let options = options(&arguments);
    let mut left = arguments.limit.unwrap_or(usize::MAX);
    context
        .with_existing_store(async |store| {
            let mut scan = store.scan(range, options);
            while left > 0
                && let Some(item) = scan.next().await?
            {
                output.line(shown(&item, &arguments, context))?;
                left -= 1;
            }
            Ok(Status::Done)
        })
        .await
}

fn range(arguments: &ScanArguments, context: &Context) -> Result<KeyRange> {
    let bytes = |argument: &OsStr| context.notation.argument(argument).map(Bytes::from);
    if let Some(prefix) = &arguments.prefix {
        return Ok(KeyRange::prefix(bytes(prefix)?));
    }
    let start = match &arguments.start {
        Some(start) => Bound::Included(bytes(start)?),
        None => Bound::Unbounded,
    };
    let end = match &arguments.end {
        Some(end) => Bound::Excluded(bytes(end)?),
        None => Bound::Unbounded,
    };
    Ok(KeyRange::from_bounds(Space::User, start, end))
}

fn options(arguments: &ScanArguments) -> ScanOptions {
    let mut options = ScanOptions::new();
    if arguments.reverse {
        options = options.reverse();
    }
    if arguments.keys_only {
        options = options.keys_only();
    }
    match arguments.limit {
        Some(limit) => options.entries_max(limit.clamp(1, 1_000)),
        None => options,
    }
}

fn shown(item: &Item, arguments: &ScanArguments, context: &Context) -> String {
    let notation = context.notation;
    match (context.form, arguments.keys_only) {
        (Form::Json, true) => Value::Object(record::of_key(&item.key, notation)).to_string(),
        (Form::Json, false) => {
            Value::Object(record::of_entry(&item.key, &item.entry, notation)).to_string()
        }
        (Form::Text, true) => notation.shown(&item.key),
        (Form::Text, false) => format!(
            "{}\t{}",
            notation.shown(&item.key),
            notation.shown(item.entry.value())
        ),
    }
}
