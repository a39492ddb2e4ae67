//! Reading the command line, and what is said where it cannot be read.

use std::{borrow::Cow, env, ffi::OsStr, io::Write, process::ExitCode};

use clap::{
    CommandFactory, Parser,
    error::{ContextKind, ContextValue, Error},
};

use storage::StoreUrl;

use crate::{arguments::Arguments, failure::Failure, status::Status};

/// The arguments; else, what was to say is said, and the exit code is left.
pub(crate) fn parse() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| tell(&without_hidden(error)))
}

fn tell(error: &Error) -> ExitCode {
    let text = error.render().to_string();
    // Nobody is left to be told that nothing can be printed.
    let _ = match without_passwords(&text, given()) {
        // It knows whether colours are wanted.
        Cow::Borrowed(_) => error.print(),
        Cow::Owned(masked) => write!(std::io::stderr().lock(), "{masked}"),
    };
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
    let text = without_passwords(&text, given());
    let complaint = text.split("\n\n").next().unwrap_or(&text);
    let complaint = complaint.strip_prefix("error: ").unwrap_or(complaint);
    let words: Vec<_> = complaint.split_whitespace().collect();
    Failure::usage(words.join(" ")).remedy("see `storage help`, or `storage help COMMAND`")
}

/// The arguments, as a complaint about them would show them.
fn given() -> impl Iterator<Item = String> {
    env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
}

/// A complaint that may show `arguments`, without the passwords in their URLs.
fn without_passwords(text: &str, arguments: impl Iterator<Item = String>) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for argument in arguments {
        // The URL may come behind the name of an option.
        let behind = argument.split_once('=').map(|(_, value)| value);
        for url in [Some(argument.as_str()), behind].into_iter().flatten() {
            let masked = StoreUrl::masked(url);
            if masked != url && text.contains(url) {
                text = Cow::Owned(text.replace(url, &masked));
            }
        }
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_shows_arguments_without_their_passwords() {
        let arguments = [
            "--from=postgres://a:b c'd@h/e",
            "postgresql://f:g@h",
            "fjall:x",
        ];
        let text = "'postgres://a:b c'd@h/e' and 'postgresql://f:g@h' and 'fjall:x'";
        let shown = without_passwords(text, arguments.into_iter().map(str::to_owned));
        let expected = "'postgres://a:***@h/e' and 'postgresql://f:***@h' and 'fjall:x'";
        assert_eq!(shown, expected);
    }
}
