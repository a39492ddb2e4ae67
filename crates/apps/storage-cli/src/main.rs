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
#[cfg(feature = "opentelemetry")]
mod spans;
mod status;
mod tree;
mod units;
mod value;

use std::process::ExitCode;

use crate::{
    arguments::Arguments,
    context::Context,
    failure::{Failure, Result},
    output::Output,
    status::Status,
};

fn main() -> ExitCode {
    let arguments = match command_line::parse() {
        Ok(arguments) => arguments,
        Err(exit_code) => return exit_code,
    };
    let context = Context::from(&arguments.global);
    let status = match run(arguments, &context) {
        Ok(status) => status,
        Err(Failure::OutputClosed) => Status::Done,
        Err(Failure::Reported(report)) => {
            report.print(context.form);
            report.status
        }
    };
    status.into()
}

fn run(arguments: Arguments, context: &Context) -> Result<Status> {
    // Dropped last: by then, all spans have ended.
    #[cfg(feature = "opentelemetry")]
    let _spans = spans::Spans::begin(arguments.global.otlp.as_deref())?;
    let mut output = Output::to_stdout();
    let command = commands::run(arguments.command, context, &mut output);
    #[cfg(feature = "opentelemetry")]
    let command = spans::of_command(command);
    let status = runtime::block_on(command)?;
    output.finish()?;
    Ok(status)
}
