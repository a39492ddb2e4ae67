//! The commands, one module each.

pub(crate) mod check;
mod compact;
pub(crate) mod completions;
pub(crate) mod copy;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod import;
pub(crate) mod metrics;
pub(crate) mod put;
pub(crate) mod scan;
mod stats;

use crate::{
    arguments::Command, context::Context, failure::Result, output::Output, status::Status,
};

/// Runs one command.
pub(crate) async fn run(
    command: Command,
    context: &Context,
    output: &mut Output,
) -> Result<Status> {
    match command {
        Command::Put(arguments) => put::run(arguments, context, output).await,
        Command::Get(arguments) => get::run(arguments, context, output).await,
        Command::Delete(arguments) => delete::run(arguments, context, output).await,
        Command::Scan(arguments) => scan::run(arguments, context, output).await,
        Command::Import(arguments) => import::run(arguments, context, output).await,
        Command::Export(arguments) => export::run(arguments, context, output).await,
        Command::Stats => stats::run(context, output).await,
        Command::Metrics(arguments) => metrics::run(arguments, context, output).await,
        Command::Copy(arguments) => copy::run(arguments, context, output).await,
        Command::Check => check::run(context, output).await,
        Command::Compact => compact::run(context, output).await,
        Command::Doctor(arguments) => doctor::run(arguments, context, output).await,
        Command::Completions(arguments) => completions::run(&arguments, output),
        Command::Demo(arguments) => demo::run(arguments, context, output).await,
        Command::DemoImport(arguments) => demo::import(arguments, context, output).await,
    }
}
