//! Files that appear when they are complete.

use std::{fs::Permissions, io, os::unix::fs::PermissionsExt, path::Path};

use tempfile::NamedTempFile;

/// What any new file may get; the process's mask takes away from it.
const MODE: u32 = 0o666;

/// A new file in `directory`, to be filled and then given its name. It goes
/// away if that does not happen.
pub(super) fn staged_file(directory: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".storage-export-")
        .permissions(Permissions::from_mode(MODE))
        .tempfile_in(directory)
        .map_err(|error| without_path(&error))
}

/// The name that the file has for now says nothing to anybody.
fn without_path(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let what = text.split(" at path ").next().unwrap_or(&text);
    io::Error::new(error.kind(), what)
}
