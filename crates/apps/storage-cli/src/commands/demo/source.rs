//! Where the demo's files come from.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::failure::{Failure, Result};

/// A directory, and how much of it to use.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) root: PathBuf,
    pub(super) bytes_max: u64,
}

/// Enough to be real, and to be done within seconds.
const DEFAULT_BYTES_MAX: u64 = 200_000_000;

impl Source {
    /// All of `path`, or a part of what is likely to be on this machine.
    pub(super) fn choose(path: Option<PathBuf>) -> Result<Self> {
        let chosen = match path {
            Some(root) => Self {
                root,
                bytes_max: u64::MAX,
            },
            None => Self {
                root: crate_sources().map_or_else(repository, Ok)?,
                bytes_max: DEFAULT_BYTES_MAX,
            },
        };
        if !chosen.root.is_dir() {
            return Err(
                Failure::usage(format!("{} is no directory", chosen.root.display()))
                    .remedy("name a directory with files in it"),
            );
        }
        Ok(chosen)
    }
}

/// What cargo has unpacked, if it has.
fn crate_sources() -> Option<PathBuf> {
    let cargo_home = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => env::home_dir()?.join(".cargo"),
    };
    let sources = cargo_home.join("registry/src");
    let has_registry = sources.read_dir().ok()?.flatten().any(|registry| {
        registry
            .path()
            .read_dir()
            .is_ok_and(|mut crates| crates.next().is_some())
    });
    has_registry.then_some(sources)
}

/// The repository that the current directory is in, else that directory.
fn repository() -> Result<PathBuf> {
    let current =
        env::current_dir().map_err(|error| Failure::io("find the current directory", &error))?;
    let root = current.ancestors().find(|path| path.join(".git").exists());
    Ok(root.map_or_else(|| current.clone(), Path::to_owned))
}
