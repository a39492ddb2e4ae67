//! What `storage` costs, measured side by side in one run.
//!
//! Absolute times mean nothing on a noisy machine, so only ratios are reported.
//! [`measure`] knows how to take them: each figure comes from a process of its
//! own, the processes of a round run in shuffled order, and a second run of the
//! baseline in every round tells how noisy the machine is. [`overhead`],
//! [`layers`] and [`server`] say what is compared.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing to the terminal is what this program is for"
)]

mod layers;
mod measure;
mod overhead;
mod server;

use std::process::ExitCode;

use clap::Parser;

/// What `storage` costs, as ratios measured side by side.
#[derive(Debug, Parser)]
#[command(name = "storage-bench", bin_name = "cargo xtask bench")]
enum Command {
    /// The cost of the abstraction against the raw engine.
    Overhead(overhead::OverheadArgs),
    /// What layers cost, and what they gain.
    Layers(layers::LayersArgs),
    /// One figure of `layers`, in a process of its own.
    #[command(hide = true)]
    LayersCell(layers::CellArgs),
    /// One figure of compression, in a process of its own.
    #[command(hide = true)]
    CompressCell(layers::CompressCellArgs),
    /// One figure of deduplication, in a process of its own.
    #[command(hide = true)]
    DedupCell(layers::DedupCellArgs),
    /// One figure of `overhead`, in a process of its own.
    #[command(hide = true)]
    Cell(overhead::CellArgs),
    /// The cost and the gain of a store over a client of a server.
    Server(server::ServerArgs),
    /// One figure of `server`, in a process of its own.
    #[command(hide = true)]
    ServerCell(server::ServerCellArgs),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Layers(args) => layers::run(&args),
        Command::LayersCell(args) => layers::run_cell(&args),
        Command::CompressCell(args) => layers::run_compress_cell(&args),
        Command::DedupCell(args) => layers::run_dedup_cell(&args),
        Command::Overhead(args) => overhead::run(&args),
        Command::Cell(args) => overhead::run_cell(&args),
        Command::Server(args) => server::run(&args),
        Command::ServerCell(args) => server::run_cell(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
