//! Reading the command line, and what is said where it cannot be read.

use std::{env, ffi::OsStr, process::ExitCode};

use clap::{
    CommandFactory, Parser,
    error::{ContextKind, ContextValue, Error},
};

use crate::{arguments::Arguments, failure::Failure, status::Status};

/// The arguments; else, what was to say is said, and the exit code is left.
pub(crate) fn parse() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| tell(&without_hidden(error)))
}

fn tell(error: &Error) -> ExitCode {
    // Nobody is left to be told that nothing can be printed.
    let _ = error.print();
    if !error.use_stderr() {
        return Status::Done.into();
    }
    if wants_json()
        && let Failure::Reported(report) = failure(error)
    {
        report.print_json();
    }
    Status::Usage.into()
}

/// The arguments could not be read, so this asks them itself.
fn wants_json() -> bool {
    env::args_os()
        .skip(1)
        .take_while(|argument| argument != OsStr::new("--"))
        .any(|argument| argument == OsStr::new("--json"))
}

fn failure(error: &Error) -> Failure {
    let text = error.render().to_string();
    let complaint = text.split("\n\n").next().unwrap_or(&text);
    let complaint = complaint.strip_prefix("error: ").unwrap_or(complaint);
    let words: Vec<_> = complaint.split_whitespace().collect();
    Failure::usage(words.join(" ")).remedy("see `storage help`, or `storage help COMMAND`")
}

/// The list of commands, without those that are not for people.
fn without_hidden(mut error: Error) -> Error {
    if let Some(ContextValue::Strings(names)) = error.get(ContextKind::ValidSubcommand) {
        let arguments = Arguments::command();
        let is_shown = |name: &&String| {
            arguments
                .find_subcommand(name)
                .is_none_or(|command| !command.is_hide_set())
        };
        let shown = names.iter().filter(is_shown).cloned().collect();
        error.insert(ContextKind::ValidSubcommand, ContextValue::Strings(shown));
    }
    error
}
