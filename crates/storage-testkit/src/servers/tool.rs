//! Programs that are run to their end.

use std::{process::Command, time::Duration};

use super::{ServerError, ServerResult};
use crate::child::Child;

/// A program that takes longer hangs: making the largest cluster takes seconds.
const TIME_MAX: Duration = Duration::from_mins(1);

/// What a command prints.
///
/// # Errors
/// If it cannot be started, does not succeed, or hangs.
pub(super) fn output(command: &mut Command) -> ServerResult<String> {
    output_of(command, "")
}

/// What a command prints that is given `input` to read.
///
/// # Errors
/// As [`output`].
pub(super) fn output_of(command: &mut Command, input: &str) -> ServerResult<String> {
    let program = name(command);
    let mut run = || -> std::io::Result<_> {
        let mut child = Child::run(command)?;
        child.hears(input.as_bytes())?;
        let has_ended = child.ends_within(TIME_MAX)?;
        Ok((has_ended, child.kill()?))
    };
    let (has_ended, remains) = run().map_err(ServerError::system(format!("run `{program}`")))?;
    if has_ended && remains.status.success() {
        return Ok(String::from_utf8_lossy(&remains.stdout).into_owned());
    }
    let said = remains.last_words();
    if has_ended {
        return Err(ServerError::Failed { program, said });
    }
    Err(ServerError::TooSlow {
        task: format!("`{program}` to end"),
        waited: TIME_MAX,
        log: said,
    })
}

fn name(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or_default();
    name.to_owned()
}
