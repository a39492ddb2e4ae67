//! The workspace's own commands, run as `cargo xtask <command>`.
//!
//! `test` runs every test and ends with one line that counts them, `crash` and `power-loss` kill
//! processes that write and judge what they leave, `chaos` does so to servers, `fuzz` damages what
//! decoders read, `journey` copies records by way of four engines, `archive` and `bench` measure what
//! a store saves and costs, `services` starts and stops the servers that the tests use, `tidy` checks
//! the rules of the house that no compiler checks, and `ci` runs everything that must hold before a
//! change is merged.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing to the terminal is what this program is for"
)]

mod archive;
mod azurite;
mod bench;
mod cache;
mod chaos;
mod ci;
mod engine_program;
mod fuzz;
mod garage;
mod install;
mod interrupts;
mod journey;
mod moto;
mod process_group;
mod proof;
mod server;
mod services;
mod test;
mod tidy;
mod tool;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// The workspace's own commands.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
enum Command {
    /// Run every test, after installing what the tests need.
    Test(test::TestArgs),
    /// Kill processes that write to an engine's store, and judge what they leave.
    Crash(proof::ProofArgs),
    /// Record processes that write to an engine's store, and judge what losses of power leave.
    PowerLoss(proof::ProofArgs),
    /// Break an engine's servers while tasks write to them, and judge every answer.
    Chaos(chaos::ChaosArgs),
    /// Give damaged forms to decoders.
    Fuzz(fuzz::FuzzArgs),
    /// Archive the sources of all dependencies, and say how much smaller that makes them.
    Archive(archive::ArchiveArgs),
    /// Copy real records from engine to engine to engine, and compare every byte.
    Journey(journey::JourneyArgs),
    /// Measure what a store costs over the raw engine.
    Bench(bench::BenchArgs),
    /// Start and stop the servers that the tests use, for people and programs.
    Services(services::ServicesArgs),
    /// Check the rules of the house: dependencies, stories, sizes, twins, hygiene.
    Tidy(tidy::TidyArgs),
    /// Run everything that must hold before a change is merged, except the tests.
    Ci,
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Test(args) => test::run(&args),
        Command::Crash(args) => proof::run(proof::Death::Crash, &args),
        Command::PowerLoss(args) => proof::run(proof::Death::PowerLoss, &args),
        Command::Chaos(args) => chaos::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Archive(args) => archive::run(&args),
        Command::Journey(args) => journey::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Services(args) => services::run(&args),
        Command::Tidy(args) => tidy::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Ci => ci::run(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
