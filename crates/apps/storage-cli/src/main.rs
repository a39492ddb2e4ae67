//! The `storage` command: one tool for stores of any engine.
//!
//! Each command is a module of [`commands`]. All of them open the store through
//! [`context`], print through [`output`], and fail with a [`failure`], which
//! [`status`] turns into the exit code.

mod arguments;
mod batches;
mod commands;
mod context;
mod duration;
mod failure;
mod hexadecimal;
mod notation;
mod output;
mod progress;
mod record;
mod status;
mod tree;
mod units;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    arguments::Arguments, context::Context, failure::Failure, output::Output, status::Status,
};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let context = Context::from(&arguments.global);
    let mut output = Output::to_stdout();
    let result =
        storage::blocking::block_on(commands::run(arguments.command, &context, &mut output))
            .and_then(|status| output.finish().map(|()| status));
    let status = match result {
        Ok(status) => status,
        Err(Failure::OutputClosed) => Status::Done,
        Err(Failure::Reported(report)) => {
            report.print(context.form);
            report.status
        }
    };
    status.into()
}
