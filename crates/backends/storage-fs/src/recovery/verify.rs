//! Checking the files that may not have been durable when the store was left.

use std::os::unix::fs::FileExt;

use storage_core::{Mark, Result};

use super::replay::{Replayed, Unsettled};
use crate::{
    error::{failed, unreadable},
    files::{Backing, FileName, Folder, ReadError, VALUES, ValueFiles},
    log,
    version::FileContent,
};

/// Checks the files of all versions that are not settled, and writes those
/// again that are not as they should be. Says where the log has to be cut off,
/// if one is lost whose content is nowhere, and which was never promised.
///
/// # Errors
/// From the operating system. Damage to what was promised is none here: whoever
/// reads that value is told.
pub(super) fn verify(
    data: &Folder,
    files: &ValueFiles,
    replayed: &mut Replayed,
    mark: Option<Mark>,
) -> Result<Option<Mark>> {
    for unsettled in &replayed.unsettled {
        let is_current = replayed.index.get(&unsettled.key) == Some(unsettled.version);
        let Some(content) = unsettled.version.file().filter(|_| is_current) else {
            continue;
        };
        let name = FileName::new(&unsettled.key, unsettled.version.id, content.codec);
        match files.verify(&name, content) {
            Ok(()) => {}
            Err(error @ ReadError::Io(_)) => return Err(unreadable(&name, error)),
            Err(ReadError::Missing | ReadError::Damaged(_)) => match unsettled.content {
                Some(begin) => write_again(data, files, unsettled, begin, &name, content)?,
                // The log was durable beyond it, so the file was durable too:
                // something else took it away.
                None if mark.is_some_and(|mark| unsettled.at < mark) => {}
                None => return Ok(Some(unsettled.at)),
            },
        }
    }
    Ok(None)
}

/// Makes a file of what the log has of it.
fn write_again(
    data: &Folder,
    files: &ValueFiles,
    unsettled: &Unsettled,
    begin: u64,
    name: &FileName,
    content: FileContent,
) -> Result<()> {
    let log = log::name(unsettled.at.log);
    let read = || {
        let file = data.read(&log)?;
        // The record was whole, so there are as many.
        let length = usize::try_from(content.bytes).map_err(std::io::Error::other)?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, begin)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| failed("reading", &log, error))?;
    files
        .remove(name)
        .and_then(|()| files.create(name, &bytes, Backing::Logged))
        .map_err(|error| failed("writing", &format!("{VALUES}/{}", name.shown()), error))
}
