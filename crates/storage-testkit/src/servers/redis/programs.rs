//! Where the program of Redis is.

use std::{env, os::unix::process::CommandExt, path::PathBuf, process::Command, sync::OnceLock};

use crate::servers::{ServerError, ServerResult};

/// The Debian packages that bring all that is needed.
///
/// Not `redis-server`, which would start a server for everybody on the machine:
/// all programs of Redis are one, which does what it is called, and this package
/// has it under another name.
const PACKAGES: &[&str] = &["redis-tools"];

/// The name by which the program is a server.
const SERVER: &str = "redis-server";

/// The names that the program may have, the best first.
const NAMES: [&str; 2] = [SERVER, "redis-check-rdb"];

/// The server.
///
/// # Errors
/// [`ServerError::Missing`] if there is none.
pub(super) fn server() -> ServerResult<Command> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let Some(path) = FOUND.get_or_init(find) else {
        return Err(ServerError::Missing {
            program: SERVER,
            packages: PACKAGES,
        });
    };
    let mut command = Command::new(path);
    // Messages are read by tests.
    command.arg0(SERVER).env("LC_ALL", "C");
    Ok(command)
}

fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    NAMES.iter().find_map(|name| {
        env::split_paths(&path)
            .map(|directory| directory.join(name))
            .find(|program| program.is_file())
    })
}
