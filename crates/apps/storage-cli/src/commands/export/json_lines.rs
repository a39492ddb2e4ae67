//! Exporting to JSON Lines.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use serde_json::Value;
use storage::{Count, durable, prelude::*};

use super::{Existing, staged::staged_file};
use crate::{
    failure::{Failure, Result},
    interrupts,
    notation::Notation,
    progress::Progress,
    record,
};

/// Writes the file at `path`, which appears when it is complete.
pub(super) async fn export<R: Read>(
    source: &R,
    path: &Path,
    existing: Existing,
    notation: Notation,
) -> Result<Count> {
    let failed = |error: io::Error| Failure::io(format!("write {}", path.display()), &error);
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    check(path, directory, existing)?;
    let mut file = staged_file(directory).map_err(failed)?;
    let progress = Progress::of_unknown("exporting");
    let mut buffered = BufWriter::new(file.as_file_mut());
    let exported = write(source, &mut buffered, notation, &progress)
        .await
        .map_err(|failure| failure.within(format!("{} was not written", path.display())))?;
    buffered.flush().map_err(failed)?;
    drop(buffered);
    file.as_file().sync_all().map_err(failed)?;
    match existing {
        Existing::Refuse => file.persist_noclobber(path),
        Existing::Replace => file.persist(path),
    }
    .map_err(|error| failed(error.error))?;
    // Its name too survives a loss of power then.
    durable::sync_directory(directory).map_err(failed)?;
    Ok(exported)
}

/// Refuses a place where no file can appear, or where something would be lost.
fn check(path: &Path, directory: &Path, existing: Existing) -> Result<()> {
    if !directory.is_dir() {
        let shown = directory.display();
        return Err(if directory.exists() {
            Failure::usage(format!("{shown} is no directory")).remedy("name another file")
        } else {
            Failure::usage(format!("there is no directory {shown}"))
                .remedy("make it, or name a file in another")
        });
    }
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => {
            Err(Failure::usage(format!("{} is a directory", path.display()))
                .remedy("name a file, or leave out --format to write a directory tree"))
        }
        Ok(metadata) if !metadata.is_file() => Err(Failure::usage(format!(
            "{} is no regular file, and would be replaced by one",
            path.display()
        ))
        .remedy("name another file; for a stream, write to - and redirect it")),
        Ok(_) if existing == Existing::Refuse => Err(Failure::usage(format!(
            "{} is there already",
            path.display()
        ))
        .remedy("name another file, or add --force to replace it")),
        // What else is wrong shows when the file is made.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Writes one record a line.
pub(super) async fn write<R: Read>(
    source: &R,
    out: &mut dyn Write,
    notation: Notation,
    progress: &Progress,
) -> Result<Count> {
    let mut exported = Count::default();
    let mut scan = source.scan(KeyRange::all(), ScanOptions::new());
    while let Some(item) = scan.next().await? {
        interrupts::check()?;
        let record = Value::Object(record::of_entry(&item.key, &item.entry, notation));
        writeln!(out, "{record}").map_err(|error| Failure::io("write the output", &error))?;
        let bytes = u64::try_from(item.size_bytes()).unwrap_or(u64::MAX);
        exported.entries += 1;
        exported.bytes += bytes;
        progress.add(bytes);
    }
    Ok(exported)
}
