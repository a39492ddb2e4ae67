//! `cargo xtask bench`: builds the measuring program for speed and runs it.

use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;
use clap::Args;

use crate::server::Server;
use crate::test::Engine;
use crate::{install, process_group, tool};

/// What to measure; `cargo xtask bench --help` of the measuring program says what there is.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct BenchArgs {
    /// The comparison and its options, such as `overhead --json`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs the measuring program to its end, and stops its processes if it is interrupted.
pub(crate) fn run(args: &BenchArgs) -> Result<ExitCode> {
    let engines: &[_] = if needs_rocksdb(&args.arguments) {
        &[Engine::Rocks]
    } else {
        &[Engine::Fjall]
    };
    let mut needed = install::needed_to_build(engines);
    if measures_servers(&args.arguments) {
        needed.extend(server(&args.arguments).requirements());
    }
    install::missing(&needed)?;
    process_group::run(&mut cargo_run(args))
}

fn cargo_run(args: &BenchArgs) -> Command {
    let mut command = tool::cargo();
    command.args(["run", "--release", "--quiet", "--package", "storage-bench"]);
    if needs_rocksdb(&args.arguments) {
        command.args(["--features", "rocks"]);
    }
    command.arg("--").args(&args.arguments).stdin(Stdio::null());
    command
}

/// Whether engines across a network are measured, over servers of this machine.
fn measures_servers(arguments: &[OsString]) -> bool {
    arguments.first().is_some_and(|first| first == "server") && !asks_for_help(arguments)
}

/// The server of the engine that is named, or of the one that is measured without a name.
fn server(arguments: &[OsString]) -> Server {
    let is_redis = |argument: &OsString| argument == "redis" || argument == "--engine=redis";
    if arguments.iter().any(is_redis) {
        Server::Redis
    } else {
        Server::Pg
    }
}

fn asks_for_help(arguments: &[OsString]) -> bool {
    let is_help =
        |argument: &OsString| ["-h", "--help", "help"].iter().any(|help| argument == help);
    arguments.iter().any(is_help)
}

/// Whether RocksDB is measured: by `overhead` alone, if it is named, or no engine
/// is, and more is asked for than what there is.
fn needs_rocksdb(arguments: &[OsString]) -> bool {
    let engines = |argument: &OsString| argument.as_encoded_bytes().starts_with(b"--engine");
    let named = |argument: &OsString| {
        argument
            .to_string_lossy()
            .split([',', '='])
            .any(|name| name == "rocks")
    };
    let is_chosen = !arguments.iter().any(engines) || arguments.iter().any(named);
    let is_overhead = arguments.first().is_some_and(|first| first == "overhead");
    is_overhead && is_chosen && !asks_for_help(arguments)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Command as Xtask;

    #[test]
    fn what_was_asked_for_reaches_the_measuring_program() {
        let line = ["xtask", "bench", "overhead", "--rounds", "7", "--json"];
        let Xtask::Bench(args) = Xtask::try_parse_from(line).unwrap() else {
            panic!("`bench` is another command");
        };

        let line = tool::command_line(&cargo_run(&args));

        assert!(
            line.ends_with("--features rocks -- overhead --rounds 7 --json"),
            "{line}"
        );
    }

    #[test]
    fn a_server_is_needed_only_to_be_measured() {
        let needs = |line: &str| {
            let arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
            measures_servers(&arguments)
        };
        assert!(needs("server --engine pg --json"));
        assert!(!needs("server --help"));
        assert!(!needs("overhead --json"));
    }

    #[test]
    fn the_server_is_that_of_the_engine_that_is_measured() {
        let server = |line: &str| {
            let arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
            server(&arguments)
        };
        assert_eq!(server("server --json"), Server::Pg);
        assert_eq!(server("server --engine pg"), Server::Pg);
        assert_eq!(server("server --engine redis --json"), Server::Redis);
        assert_eq!(server("server --engine=redis"), Server::Redis);
    }

    #[test]
    fn rocksdb_is_built_only_to_be_measured() {
        let needs = |line: &str| {
            let arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
            needs_rocksdb(&arguments)
        };
        assert!(needs("overhead --json"));
        assert!(needs("overhead --engine fjall,rocks"));
        assert!(needs("overhead --engine=rocks"));
        assert!(!needs("overhead --engine fjall,sqlite"));
        assert!(!needs("overhead --engine=fs --json"));
        assert!(!needs("layers --json"));
        assert!(!needs("--help"));
        assert!(!needs("overhead --help"));
        assert!(!needs("server --json"));
        assert!(!needs("server --engine pg --json"));
    }
}
