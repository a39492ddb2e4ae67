//! Installs what the tests and builds need and the machine lacks.
//!
//! A [`Requirement`] is something to look for, and the packages that
//! bring it.

mod requirement;

use std::env;
use std::ffi::OsStr;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use clap::ValueEnum;

use self::requirement::Need;
pub(crate) use self::requirement::Requirement;
use crate::azurite;
use crate::garage;
use crate::moto;
use crate::server::Server;
use crate::test::Engine;
use crate::tool;

/// What every build needs besides Rust itself.
const BUILDS: &[Requirement] = &[Requirement::new(Need::Program("cc"), &["gcc", "libc6-dev"])];

/// What the tests need besides, whatever engines they run over.
const TESTS: &[Requirement] = &[
    // Full and read-only disks are small file systems in a namespace of the test's own.
    Requirement::new(Need::Program("unshare"), &["util-linux"]),
    Requirement::new(Need::Program("mount"), &["mount"]),
    // What an export has synced is told by its system calls.
    Requirement::new(Need::Program("strace"), &["strace"]),
];

/// What it takes to build RocksDB, and the bindings to it.
const ROCKSDB: &[Requirement] = &[
    Requirement::new(Need::Program("c++"), &["g++"]),
    Requirement::new(Need::Libclang, &["libclang-dev"]),
];

/// What all tests over these engines need; over all of them, if there are none.
pub(crate) fn needed_to_test(engines: &[Engine]) -> Vec<&'static Requirement> {
    let mut needed = needed_to_build(engines);
    needed.extend(TESTS);
    let all = Engine::value_variants();
    let engines = if engines.is_empty() { all } else { engines };
    let servers = engines.iter().filter_map(|engine| engine.server());
    needed.extend(servers.flat_map(Server::requirements));
    needed
}

/// What it takes to build these engines; all of them, if there are none.
pub(crate) fn needed_to_build(engines: &[Engine]) -> Vec<&'static Requirement> {
    let rocksdb = if engines.is_empty() || engines.contains(&Engine::Rocks) {
        ROCKSDB
    } else {
        &[]
    };
    BUILDS.iter().chain(rocksdb).collect()
}

/// Installs the packages of every requirement that is not met.
///
/// # Errors
/// When something is missing and this process may not install it, the error names the packages and
/// the command to run.
pub(crate) fn missing(requirements: &[&Requirement]) -> Result<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    missing_of_debian(requirements, &path)?;
    for requirement in unmet(requirements, &path) {
        match requirement.need {
            Need::Moto => moto::install()?,
            Need::Garage => garage::install()?,
            Need::Azurite => azurite::install()?,
            // These are Debian's.
            _ => {}
        }
    }
    Ok(())
}

fn missing_of_debian(requirements: &[&Requirement], path: &OsStr) -> Result<()> {
    let packages = missing_packages(requirements, path);
    if packages.is_empty() {
        return Ok(());
    }
    let calls = apt_calls(&packages, Installer::of_this_process(path)).map_err(|error| {
        let is_of_rocksdb = |name| ROCKSDB.iter().any(|needed| needed.packages.contains(name));
        if packages.iter().any(is_of_rocksdb) {
            error.context("RocksDB cannot be built (`--engines`, or `--engine`, leaves it out)")
        } else {
            error
        }
    })?;
    println!("installing {}", packages.join(" "));
    for requirement in unmet(requirements, path) {
        requirement.prepare()?;
    }
    for arguments in calls {
        let mut apt = Command::new("apt-get");
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        tool::run(apt.stdin(Stdio::null()))?;
    }
    let still = missing_packages(requirements, path);
    if !still.is_empty() {
        bail!(
            "installed {}, yet what they bring is not found",
            still.join(" ")
        );
    }
    Ok(())
}

/// What this process can do about a missing package.
#[derive(Debug, Clone, Copy)]
enum Installer {
    /// It is root on a system with `apt-get`.
    Apt,
    /// The system has `apt-get`, but only root may use it.
    AptNeedsRoot,
    /// The system is not Debian or one of its children.
    Unknown,
}

impl Installer {
    fn of_this_process(path: &OsStr) -> Self {
        match (on_path("apt-get", path), nix::unistd::geteuid().is_root()) {
            (true, true) => Self::Apt,
            (true, false) => Self::AptNeedsRoot,
            (false, _) => Self::Unknown,
        }
    }
}

fn missing_packages(requirements: &[&Requirement], path: &OsStr) -> Vec<&'static str> {
    unmet(requirements, path)
        .flat_map(|requirement| requirement.packages)
        .copied()
        .collect()
}

fn unmet<'a>(
    requirements: &'a [&Requirement],
    path: &'a OsStr,
) -> impl Iterator<Item = &'a &'a Requirement> {
    let requirements = requirements.iter();
    requirements.filter(|requirement| !requirement.need.is_met(path))
}

fn on_path(program: &str, path: &OsStr) -> bool {
    env::split_paths(path).any(|folder| folder.join(program).is_file())
}

/// The arguments of each `apt-get` call that installs the packages, in order.
fn apt_calls<'a>(packages: &[&'a str], installer: Installer) -> Result<Vec<Vec<&'a str>>> {
    let names = packages.join(" ");
    match installer {
        Installer::Apt => {
            let mut install = vec!["install", "--yes", "--no-install-recommends"];
            install.extend(packages);
            Ok(vec![vec!["update"], install])
        }
        Installer::AptNeedsRoot => bail!(
            "this needs the packages {names}; install them with \
             `sudo apt-get update && sudo apt-get install --yes {names}`"
        ),
        Installer::Unknown => bail!(
            "this needs what the Debian packages {names} bring; install their equivalents with \
             this system's package manager \
             (on Debian: `apt-get update && apt-get install --yes {names}`)"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const NEEDS: &[&Requirement] = &[
        &Requirement::new(Need::Program("cc"), &["gcc", "libc6-dev"]),
        &Requirement::new(Need::Program("redis-server"), &["redis"]),
    ];

    #[test]
    fn only_the_packages_of_absent_programs_are_missing() {
        let bin = tempfile::tempdir().unwrap();
        fs::write(bin.path().join("cc"), "").unwrap();

        assert_eq!(missing_packages(NEEDS, bin.path().as_os_str()), ["redis"]);
        assert_eq!(
            missing_packages(NEEDS, OsStr::new("")),
            ["gcc", "libc6-dev", "redis"]
        );
    }

    #[test]
    fn only_rocksdb_takes_a_compiler_of_its_own() {
        let packages = |engines: &[Engine]| {
            let needed = needed_to_test(engines).into_iter();
            needed
                .flat_map(|need| need.packages)
                .copied()
                .collect::<Vec<_>>()
        };
        for with in [&[][..], &[Engine::Fs, Engine::Rocks]] {
            assert!(packages(with).contains(&"libclang-dev"), "{with:?}");
        }
        assert!(!packages(&[Engine::Fjall, Engine::Sqlite]).contains(&"g++"));
    }

    #[test]
    fn only_engines_across_a_network_take_servers() {
        let takes_postgres = |engines: &[Engine]| {
            let needed = needed_to_test(engines);
            needed.iter().any(|need| need.packages == ["postgresql"])
        };
        assert!(takes_postgres(&[]));
        assert!(takes_postgres(&[Engine::Fjall, Engine::Pg]));
        assert!(!takes_postgres(&[Engine::Fjall, Engine::Rocks]));
    }

    #[test]
    fn redis_takes_no_package_that_starts_a_server() {
        let needed = needed_to_test(&[Engine::Redis]);
        let packages: Vec<_> = needed.iter().flat_map(|need| need.packages).collect();
        assert!(packages.contains(&&"redis-tools"), "{packages:?}");
        assert!(!packages.contains(&&"redis-server"), "{packages:?}");

        let bin = tempfile::tempdir().unwrap();
        for program in ["redis-check-rdb", "redis-server"] {
            let file = bin.path().join(program);
            fs::write(&file, "").unwrap();
            let missing = missing_packages(&[&Requirement::redis()], bin.path().as_os_str());
            assert!(missing.is_empty(), "{program}");
            fs::remove_file(file).unwrap();
        }
    }

    #[test]
    fn only_stores_of_objects_take_python() {
        let takes_python = |engines: &[Engine]| {
            let needed = needed_to_test(engines);
            needed.iter().any(|need| need.packages == ["python3-venv"])
        };
        assert!(takes_python(&[]));
        assert!(takes_python(&[Engine::Object]));
        assert!(!takes_python(&[Engine::Fjall, Engine::Pg]));
    }

    #[test]
    fn what_must_be_there_before_is_written_once() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("a/b.conf");
        let path = Box::leak(file.display().to_string().into_boxed_str());
        let requirement = Requirement {
            before: Some((path, "new")),
            ..Requirement::new(Need::Program("cc"), &["gcc"])
        };
        requirement.prepare().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");

        fs::write(&file, "somebody's").unwrap();
        requirement.prepare().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "somebody's");
    }

    #[test]
    fn root_on_debian_updates_the_package_lists_before_it_installs() {
        let calls = apt_calls(&["gcc", "libc6-dev"], Installer::Apt).unwrap();

        assert_eq!(
            calls,
            [
                vec!["update"],
                vec![
                    "install",
                    "--yes",
                    "--no-install-recommends",
                    "gcc",
                    "libc6-dev"
                ]
            ]
        );
    }

    #[test]
    fn without_root_the_error_names_the_packages_and_the_command() {
        let error = apt_calls(&["gcc", "libc6-dev"], Installer::AptNeedsRoot)
            .unwrap_err()
            .to_string();

        assert!(
            error.contains("sudo apt-get install --yes gcc libc6-dev"),
            "{error}"
        );
    }

    #[test]
    fn without_apt_the_error_names_the_packages() {
        let error = apt_calls(&["gcc", "libc6-dev"], Installer::Unknown)
            .unwrap_err()
            .to_string();

        assert!(error.contains("gcc libc6-dev"), "{error}");
    }
}
