//! Azurite, which speaks as Azure does: a package of npm in a fixed version.

use std::{
    fs::File,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use crate::{cache, tool};

/// Where it is installed, by its version; the testkit has the same.
const ROOT: &str = "storage-tests/azurite-3.35.0";

/// The last that runs on the Node of Debian 12.
const PACKAGE: &str = "azurite@3.35.0";

/// What it depends on names ranges of versions, so it is taken as it was on this day: the newest
/// that fit and were there by then. A lock of all 375 packages would be 4,300 lines.
const AS_OF: &str = "2026-11-27";

/// Is there once all packages are: an install may have been broken off.
const READY: &str = "ready";

pub(crate) fn is_installed() -> bool {
    cache::directory(ROOT).is_ok_and(|root| root.join(READY).is_file())
}

/// Installs it, unless somebody is faster.
pub(crate) fn install() -> Result<()> {
    let root = cache::directory(ROOT)?;
    let _lock = cache::lock(&root)?;
    if is_installed() {
        return Ok(());
    }
    println!("installing azurite to {}", root.display());
    let mut install = Command::new("npm");
    install
        .args(["install", PACKAGE, "--save-exact", "--before", AS_OF])
        .arg("--prefix")
        .arg(&root)
        // Nothing that a package brings is run but Azurite.
        .args(["--ignore-scripts", "--no-audit", "--no-fund"]);
    tool::run(install.stdin(Stdio::null()))?;
    File::create(root.join(READY)).context("cannot note that azurite is installed")?;
    Ok(())
}
