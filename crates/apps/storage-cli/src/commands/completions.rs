//! `storage completions`: a script that completes this command in a shell.

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use crate::{arguments::Arguments, failure::Result, output::Output, status::Status};

/// Print the script that completes this command in a shell.
///
/// bash: storage completions bash > ~/.local/share/bash-completion/completions/storage
/// zsh:  storage completions zsh > DIRECTORY-IN-FPATH/_storage
/// fish: storage completions fish > ~/.config/fish/completions/storage.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(arguments: &CompletionsArguments, output: &mut Output) -> Result<Status> {
    let mut command = shown();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "storage", &mut script);
    output.bytes(&script)?;
    Ok(Status::Done)
}

/// The command, without what is not for people.
fn shown() -> Command {
    let whole = Arguments::command();
    let subcommands = whole.get_subcommands().filter(|it| !it.is_hide_set());
    Command::new("storage")
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments())
        .subcommands(subcommands)
}
