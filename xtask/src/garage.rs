//! Garage, an S3 of several nodes: built by cargo, in a fixed version.

use std::process::Stdio;

use anyhow::Result;

use crate::{cache, tool};

/// Where it is installed, by its version; the testkit has the same.
const ROOT: &str = "storage-tests/garage-2.5.0";
const VERSION: &str = "2.5.0";

/// One database of those that it may keep what it knows in: the other, LMDB, takes no name of more
/// than some 480 bytes.
const FEATURES: &str = "bundled-libs,sqlite";

pub(crate) fn is_installed() -> bool {
    cache::directory(ROOT).is_ok_and(|root| root.join("bin/garage").is_file())
}

/// Builds and installs it, unless somebody is faster.
pub(crate) fn install() -> Result<()> {
    let root = cache::directory(ROOT)?;
    let _lock = cache::lock(&root)?;
    if is_installed() {
        return Ok(());
    }
    println!("building garage to {}; this takes a while", root.display());
    let mut install = tool::cargo();
    install
        .args(["install", "garage", "--version", VERSION, "--locked"])
        // To be fast takes twice as long to build, and four times the room.
        .args(["--debug", "--no-default-features", "--features", FEATURES])
        .arg("--root")
        .arg(&root)
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env_remove("CARGO_TARGET_DIR");
    tool::run(install.stdin(Stdio::null()))
}
