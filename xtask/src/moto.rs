//! moto, an S3 for tests: an environment of Python with fixed versions of all that is in it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::{cache, tool};

/// The environment, by the version of what is in it; the testkit has the same.
const ENVIRONMENT: &str = "storage-tests/moto-5.2.5";

/// Debian's, whose home whoever runs servers may read.
const PYTHON: &str = "/usr/bin/python3";

const PACKAGES: &str = include_str!("moto.txt");

/// Is there when all of the environment is.
const READY: &str = "ready";

/// Whether environments can be made.
pub(crate) fn has_python() -> bool {
    let versions = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    Path::new(PYTHON).is_file()
        && versions
            .map(|version| version.path().join("ensurepip/__init__.py"))
            .any(|module| module.is_file())
}

pub(crate) fn is_installed() -> bool {
    cache::directory(ENVIRONMENT).is_ok_and(|environment| environment.join(READY).is_file())
}

/// Makes the environment, unless somebody is faster.
pub(crate) fn install() -> Result<()> {
    let environment = cache::directory(ENVIRONMENT)?;
    let _lock = cache::lock(&environment)?;
    if is_installed() {
        return Ok(());
    }
    println!("installing moto to {}", environment.display());
    let mut make = Command::new(PYTHON);
    make.args(["-m", "venv", "--clear"])
        .arg(environment.join("venv"));
    tool::run(make.stdin(Stdio::null()))?;
    let packages = environment.join("moto.txt");
    fs::write(&packages, PACKAGES).context("cannot write the list of packages")?;
    let mut install = Command::new(environment.join("venv/bin/pip"));
    install
        .args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--requirement",
        ])
        .arg(&packages);
    tool::run(install.stdin(Stdio::null()))?;
    File::create(environment.join(READY)).context("cannot say that moto is there")?;
    Ok(())
}
