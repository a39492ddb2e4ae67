//! The `storage` command: one tool for stores of any engine.
//!
//! Each command is a module of [`commands`]. All of them open the store through
//! [`context`], print through [`output`], and fail with a [`failure`], which
//! [`status`] turns into the exit code.

mod arguments;
mod command_line;
mod commands;
mod context;
mod duration;
mod failure;
#[cfg(test)]
mod faults;
mod given_url;
mod hexadecimal;
mod interrupts;
mod notation;
mod output;
mod own_files;
mod progress;
mod record;
mod runtime;
mod status;
mod tree;
mod units;
mod value;

use std::process::ExitCode;

use crate::{context::Context, failure::Failure, output::Output, status::Status};

fn main() -> ExitCode {
    let arguments = match command_line::parse() {
        Ok(arguments) => arguments,
        Err(exit_code) => return exit_code,
    };
    let context = Context::from(&arguments.global);
    let mut output = Output::to_stdout();
    let command = commands::run(arguments.command, &context, &mut output);
    let result = runtime::block_on(command).and_then(|status| output.finish().map(|()| status));
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
