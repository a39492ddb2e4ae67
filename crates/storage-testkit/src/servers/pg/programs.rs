//! Where the programs of PostgreSQL are.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::servers::{ServerError, ServerResult};

/// The Debian packages that bring all that is needed.
const PACKAGES: &[&str] = &["postgresql"];

/// Where Debian keeps each version, away from the `PATH`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// A program of PostgreSQL, all of the same version.
///
/// # Errors
/// [`ServerError::Missing`] if there is none.
pub(super) fn program(name: &'static str) -> ServerResult<Command> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let directory = FOUND.get_or_init(directory).as_deref();
    let path = directory.map(|directory| directory.join(name));
    match path.filter(|path| path.is_file()) {
        Some(path) => {
            let mut command = Command::new(path);
            forget_environment(&mut command);
            Ok(command)
        }
        None => Err(ServerError::Missing {
            program: name,
            packages: PACKAGES,
        }),
    }
}

/// The newest version that Debian has installed, or what the `PATH` has.
fn directory() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, directory)| has_server(directory))
        .max();
    newest.map(|(_, directory)| directory).or_else(|| {
        let path = env::var_os("PATH")?;
        env::split_paths(&path).find(|directory| has_server(directory))
    })
}

fn has_server(directory: &Path) -> bool {
    let programs = ["initdb", "postgres", "psql", "pg_basebackup"];
    programs.iter().all(|name| directory.join(name).is_file())
}

/// What the environment says about servers is about others than ours.
fn forget_environment(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    // Messages are read by tests.
    command.env("LC_ALL", "C");
}
