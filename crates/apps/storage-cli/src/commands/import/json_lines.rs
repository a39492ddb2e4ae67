//! Importing JSON Lines.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use storage::{Capabilities, Put, SharedStore, prelude::*};

use super::{Imported, lines::Lines, with_batches};
use crate::{
    failure::{Failure, Result},
    interrupts,
    progress::Progress,
    record::{self, FieldError, Record},
};

/// Imports the lines of `source`; `-` is standard input.
pub(super) async fn import(
    store: &SharedStore,
    source: &Path,
    key_field: Option<&str>,
) -> Result<Imported> {
    let (reader, name, progress) = open(source)?;
    let line_bytes_max = line_bytes_max(store.capabilities());
    let report = with_batches(store, async |batches| {
        let mut lines = Lines::new(reader, line_bytes_max);
        loop {
            interrupts::check()?;
            let at = |failure: Failure, number: u64| {
                failure.within(format!("{name}, line {number}, could not be imported"))
            };
            let line = match lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(()),
                Err(failure) => return Err(at(failure, lines.number())),
            };
            let put = put(line, key_field).map_err(|failure| at(failure, lines.number()))?;
            let added = batches.put(put).await;
            added.map_err(|error| at(error.into(), lines.number()))?;
            progress.reach(lines.bytes_read());
        }
    })
    .await?;
    Ok(Imported {
        report,
        ..Imported::default()
    })
}

fn open(source: &Path) -> Result<(Box<dyn BufRead>, String, Progress)> {
    if source == Path::new("-") {
        let reader = Box::new(io::stdin().lock());
        let progress = Progress::of_unknown("importing");
        return Ok((reader, "standard input".to_owned(), progress));
    }
    let name = source.display().to_string();
    let reading = |error| Failure::io(format!("read {name}"), &error);
    let file = File::open(source).map_err(reading)?;
    let bytes = file.metadata().map_err(reading)?.len();
    let progress = Progress::of_bytes("importing", bytes);
    Ok((Box::new(BufReader::new(file)), name, progress))
}

/// The put that a line stands for: with a key field, of the line itself; else
/// of the record that `storage export` wrote.
fn put(line: &[u8], key_field: Option<&str>) -> Result<Put> {
    let record: Record = serde_json::from_slice(line).map_err(|error| not_json(&error))?;
    match key_field {
        Some(field) => {
            let key = record::key(&record, field).map_err(|error| bad_field(&error))?;
            Ok(Put::new(key, line.to_vec()))
        }
        None => exported(&record).map_err(|error| match &error {
            FieldError::Missing(field) if field == record::KEY => {
                bad_field(&error).remedy("name the field that holds the key with --key FIELD")
            }
            _ => bad_field(&error),
        }),
    }
}

fn exported(record: &Record) -> Result<Put, FieldError> {
    let key = record::bytes(record, record::KEY)?;
    let value = record::bytes(record, record::VALUE)?;
    Ok(Put::new(key, value).until(record::expires(record)?))
}

fn bad_field(error: &FieldError) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        FieldError::NotExact(_) => failure.remedy("write it as a string, in quotes"),
        _ => failure,
    }
}

fn not_json(error: &serde_json::Error) -> Failure {
    let message = error.to_string();
    // The parser counts lines within this one line.
    let what = match message.rsplit_once(" at line ") {
        Some((what, _)) => what,
        None => &message,
    };
    Failure::usage(format!(
        "column {} is not as in a JSON object: {what}",
        error.column()
    ))
}

/// As long as a line becomes when every byte of an entry is written as `\u0000`.
fn line_bytes_max(capabilities: &Capabilities) -> usize {
    const ESCAPED_BYTES: usize = 6;
    const FIELD_NAMES_BYTES: usize = 256;
    capabilities
        .value_bytes_max
        .saturating_add(capabilities.key_bytes_max)
        .saturating_mul(ESCAPED_BYTES)
        .saturating_add(FIELD_NAMES_BYTES)
}
