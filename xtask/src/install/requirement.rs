//! What may be missing on a machine, and how it is found.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::on_path;
use crate::{azurite, garage, moto};

/// Something that must be there, and the Debian packages that bring it.
#[derive(Debug)]
pub(crate) struct Requirement {
    pub(super) need: Need,
    pub(super) packages: &'static [&'static str],
    /// What must be written before the packages are installed: a file, and what is in it.
    pub(super) before: Option<(&'static str, &'static str)>,
}

impl Requirement {
    pub(super) const fn new(need: Need, packages: &'static [&'static str]) -> Self {
        Self {
            need,
            packages,
            before: None,
        }
    }

    /// PostgreSQL, without the server that Debian would start for everybody on the machine.
    pub(crate) const fn postgresql() -> Self {
        Self {
            need: Need::PostgreSql,
            packages: &["postgresql"],
            before: Some((
                "/etc/postgresql-common/createcluster.d/storage-tests.conf",
                "# Written by `cargo xtask`: tests start servers of their own.\n\
                 create_main_cluster = false\n",
            )),
        }
    }

    /// Redis. All its programs are one, which does what it is called; this package has it under
    /// another name than `redis-server`, and starts none.
    pub(crate) const fn redis() -> Self {
        Self::new(
            Need::AnyProgram(&["redis-server", "redis-check-rdb"]),
            &["redis-tools"],
        )
    }

    /// What tells how a server shows itself to those who want TLS.
    pub(crate) const fn openssl() -> Self {
        Self::new(Need::Program("openssl"), &["openssl"])
    }

    /// Python that can make environments.
    pub(crate) const fn python() -> Self {
        Self::new(Need::PythonEnvironments, &["python3-venv"])
    }

    /// moto, an S3, which `PyPI` has and Debian has not.
    pub(crate) const fn moto() -> Self {
        Self::new(Need::Moto, &[])
    }

    /// Garage, an S3 of several nodes, which crates.io has.
    pub(crate) const fn garage() -> Self {
        Self::new(Need::Garage, &[])
    }

    /// Azurite, which speaks as Azure does, and which npm has.
    pub(crate) const fn azurite() -> Self {
        Self::new(Need::Azurite, &[])
    }

    /// Node.
    pub(crate) const fn node() -> Self {
        Self::new(Need::Program("node"), &["nodejs"])
    }

    /// What C libraries are built by.
    pub(crate) const fn make() -> Self {
        Self::new(Need::Program("make"), &["make"])
    }

    /// What installs packages for Node.
    pub(crate) const fn npm() -> Self {
        Self::new(Need::Program("npm"), &["npm"])
    }

    /// Writes what must be there before the packages are, unless somebody has.
    pub(super) fn prepare(&self) -> Result<()> {
        let Some((path, content)) = self.before else {
            return Ok(());
        };
        let path = Path::new(path);
        if path.exists() {
            return Ok(());
        }
        let directory = path.parent().unwrap_or(path);
        fs::create_dir_all(directory)
            .and_then(|()| fs::write(path, content))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

#[derive(Debug)]
pub(super) enum Need {
    /// A program on the `PATH`.
    Program(&'static str),
    /// One of several on the `PATH`.
    AnyProgram(&'static [&'static str]),
    /// Clang as a library, with its own headers, which the bindings are made with.
    Libclang,
    /// The programs of a server, which Debian keeps away from the `PATH`.
    PostgreSql,
    /// Debian's Python, with what environments are made of.
    PythonEnvironments,
    /// An environment of Python with an S3 in it.
    Moto,
    /// An S3 of several nodes.
    Garage,
    /// What speaks as Azure does.
    Azurite,
}

impl Need {
    pub(super) fn is_met(&self, path: &OsStr) -> bool {
        match self {
            Self::Program(program) => on_path(program, path),
            Self::AnyProgram(programs) => programs.iter().any(|program| on_path(program, path)),
            Self::Libclang => has_libclang(),
            Self::PostgreSql => has_postgresql(path),
            Self::PythonEnvironments => moto::has_python(),
            Self::Moto => moto::is_installed(),
            Self::Garage => garage::is_installed(),
            Self::Azurite => azurite::is_installed(),
        }
    }
}

/// Whether clang's headers are where distributions keep them, or the environment names the library.
fn has_libclang() -> bool {
    let below = |folder: &str, prefix: &str| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let named = entries.filter(|entry| {
            entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(prefix.as_bytes())
        });
        named.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let llvm = below("/usr/lib", "llvm-").into_iter();
    let clang = llvm
        .map(|folder| folder.join("lib/clang"))
        .chain(["/usr/lib/clang".into(), "/usr/lib64/clang".into()]);
    let has_headers = |folder: PathBuf| {
        let versions = fs::read_dir(folder).into_iter().flatten().flatten();
        versions
            .map(|version| version.path().join("include/stddef.h"))
            .any(|header| header.is_file())
    };
    env::var_os("LIBCLANG_PATH").is_some() || clang.into_iter().any(has_headers)
}

/// Whether PostgreSQL is where Debian keeps each version of it, or on the `PATH`.
fn has_postgresql(path: &OsStr) -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut programs = versions
        .flatten()
        .map(|version| version.path().join("bin/initdb"));
    programs.any(|initdb| initdb.is_file()) || on_path("initdb", path)
}
