//! Files that appear when they are complete.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use tempfile::{NamedTempFile, TempDir};

use crate::tree::UNFINISHED_PREFIX;

/// What any new file may get; the process's mask takes away from it.
const MODE: u32 = 0o666;

/// A new file in `directory`, to be filled and then given its name. It goes
/// away if that does not happen.
pub(super) fn staged_file(directory: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(UNFINISHED_PREFIX)
        .permissions(Permissions::from_mode(MODE))
        .tempfile_in(directory)
        .map_err(|error| without_path(&error))
}

/// A directory in `root` for files that are staged. What an export that was
/// killed left there is removed first.
pub(super) fn staging_directory(root: &Path) -> io::Result<TempDir> {
    let name = format!("{UNFINISHED_PREFIX}tree");
    match fs::remove_dir_all(root.join(&name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    tempfile::Builder::new()
        .prefix(&name)
        .rand_bytes(0)
        .tempdir_in(root)
        .map_err(|error| without_path(&error))
}

/// The name that the file has for now says nothing to anybody.
fn without_path(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let what = text.split(" at path ").next().unwrap_or(&text);
    io::Error::new(error.kind(), what)
}
