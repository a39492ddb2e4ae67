//! Where what is installed for tests is kept between runs.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A directory of the cache by its name, where those who run servers can read it: root gives its
/// servers to others, who may not look into its home.
pub(crate) fn directory(name: &str) -> Result<PathBuf> {
    if nix::unistd::geteuid().is_root() {
        return Ok(Path::new("/var/cache").join(name));
    }
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(env::home_dir()?.join(".cache")));
    Ok(cache.context("there is no home directory")?.join(name))
}

/// Makes a directory of the cache, and keeps others from installing to it until the file that this
/// returns is closed.
pub(crate) fn lock(directory: &Path) -> Result<File> {
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    let lock = File::create(directory.join("lock")).context("cannot make a lock")?;
    lock.lock()
        .with_context(|| format!("cannot lock {}", directory.display()))?;
    Ok(lock)
}
