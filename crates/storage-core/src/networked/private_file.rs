//! Files with passwords, which nobody else may read.

use std::{
    fs::{File, Metadata},
    io::Read,
    path::Path,
};

use crate::{Error, ErrorKind, Result};

/// The text of the file at `path`.
///
/// # Errors
/// `Denied` if others than its owner may do anything with it, as libpq demands;
/// `Invalid` if it is no text; what opening and reading it answers.
pub fn read_private_file(path: &Path) -> Result<String> {
    let failed = |error| Error::io(format!("reading {}", path.display()), error);
    let mut file = File::open(path).map_err(failed)?;
    demand_private(path, &file.metadata().map_err(failed)?)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    // The bytes are not shown, nor the error, which has them.
    String::from_utf8(bytes).map_err(|_| {
        let message = format!("{} is no text of UTF-8", path.display());
        Error::new(ErrorKind::Invalid, message)
    })
}

#[cfg(unix)]
fn demand_private(path: &Path, metadata: &Metadata) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    const OTHERS: u32 = 0o077;
    const RIGHTS: u32 = 0o7777;
    let mode = metadata.permissions().mode();
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(Error::new(
        ErrorKind::Denied,
        format!(
            "others may use {path}, which has a password in it: its mode is {:04o}; \
             run `chmod 600 {path}`",
            mode & RIGHTS
        ),
    ))
}

/// Elsewhere, rights are not told by a mode.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "other systems refuse")]
fn demand_private(_: &Path, _: &Metadata) -> Result<()> {
    Ok(())
}
