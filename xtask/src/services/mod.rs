//! `cargo xtask services`: the servers that the tests use, for people and programs.
//!
//! Each server is kept by a process of its own, `storage-test-servers` of the testkit, which goes on
//! when this one ends. What is known of it lies in a file below the target directory, which says what
//! *was* started; whether it is still there is asked anew each time.

mod keeper;
mod state;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use cargo_metadata::MetadataCommand;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use self::keeper::Keeper;
use self::state::{Presence, State};
use crate::install;
use crate::server::Server;

/// What to do about which servers.
#[derive(Debug, Args)]
pub(crate) struct ServicesArgs {
    #[command(subcommand)]
    deed: Deed,
}

#[derive(Debug, Subcommand)]
enum Deed {
    /// Start the servers that are not up, and print what programs find them by.
    Up(Which),
    /// Stop the servers that are up.
    Down(Which),
    /// Say which servers are up and answer.
    Status(Which),
}

impl Deed {
    fn which(&self) -> &Which {
        match self {
            Self::Up(which) | Self::Down(which) | Self::Status(which) => which,
        }
    }
}

/// Which servers, and how to tell of them.
#[derive(Debug, Args)]
struct Which {
    /// These only, separated by commas; all by default.
    #[arg(long, value_delimiter = ',', value_name = "SERVER")]
    with: Vec<Server>,
    /// Tell it as one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Which {
    fn servers(&self) -> Vec<Server> {
        if self.with.is_empty() {
            Server::value_variants().to_vec()
        } else {
            self.with.clone()
        }
    }
}

/// Starts, stops or looks at the servers.
pub(crate) fn run(args: &ServicesArgs) -> Result<ExitCode> {
    let which = args.deed.which();
    if let Deed::Up(which) = &args.deed {
        install(&which.servers())?;
    }
    let services = Services::open()?;
    let mut told = serde_json::Map::new();
    for server in which.servers() {
        let state = match args.deed {
            Deed::Up(_) => services.up(server),
            Deed::Down(_) => services.down(server),
            Deed::Status(_) => services.state(server),
        }?;
        if which.json {
            told.insert(server.name().to_owned(), as_json(state.as_ref()));
        } else {
            print!("{}", as_text(server, state.as_ref()));
        }
    }
    if which.json {
        println!("{}", Value::Object(told));
    }
    Ok(ExitCode::SUCCESS)
}

fn install(servers: &[Server]) -> Result<()> {
    let needed: Vec<_> = servers
        .iter()
        .flat_map(|server| server.requirements())
        .collect();
    install::missing(&needed)
}

/// The files that tell which servers were started.
#[derive(Debug)]
struct Services {
    directory: PathBuf,
    /// Held so that two of these commands do not start the same server twice.
    _lock: File,
}

impl Services {
    fn open() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .no_deps()
            .exec()
            .context("cannot read the workspace")?;
        Self::below(metadata.target_directory.as_std_path())
    }

    fn below(target: &Path) -> Result<Self> {
        let directory = target.join("services");
        let open = || -> std::io::Result<_> {
            fs::create_dir_all(&directory)?;
            let lock = File::create(directory.join("lock"))?;
            lock.lock()?;
            Ok(lock)
        };
        let lock = open().with_context(|| format!("cannot use {}", directory.display()))?;
        Ok(Self {
            directory,
            _lock: lock,
        })
    }

    /// Starts a server unless it is up and answers.
    fn up(&self, server: Server) -> Result<Option<State>> {
        if let Some(state) = self.state(server)? {
            if state.presence() == Presence::Answers {
                return Ok(Some(state));
            }
            self.down(server)?;
        }
        let log = self.directory.join(format!("{}.log", server.name()));
        let keeper = Keeper::start(server, &log)?;
        keeper.state().write(&self.file(server))?;
        keeper.let_go().map(Some)
    }

    /// Stops a server, if it is up.
    fn down(&self, server: Server) -> Result<Option<State>> {
        if let Some(state) = self.state(server)? {
            state
                .end()
                .with_context(|| format!("cannot stop {}", server.name()))?;
            let file = self.file(server);
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
        Ok(None)
    }

    /// What is known of a server that is up.
    fn state(&self, server: Server) -> Result<Option<State>> {
        let state = State::read(&self.file(server))?;
        Ok(state.filter(|state| state.presence() != Presence::Gone))
    }

    fn file(&self, server: Server) -> PathBuf {
        self.directory.join(format!("{}.json", server.name()))
    }
}

fn as_json(state: Option<&State>) -> Value {
    match state {
        None => json!({ "state": "down" }),
        Some(state) => json!({
            "state": state.presence().word(),
            "address": state.address,
            "keeper": state.keeper,
            "variables": state.variables,
        }),
    }
}

/// Lines for a shell: it takes the variables, and passes over what is said about them.
fn as_text(server: Server, state: Option<&State>) -> String {
    let name = server.name();
    let Some(state) = state else {
        return format!("# {name} is down\n");
    };
    let exports = state.variables.iter().map(|(variable, value)| {
        let quoted = value.as_str().unwrap_or_default().replace('\'', r"'\''");
        format!("export {variable}='{quoted}'\n")
    });
    let presence = state.presence().word();
    let told = format!("# {name} is {presence} at {}\n", state.address);
    std::iter::once(told).chain(exports).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_started_is_down_and_stopping_it_is_no_error() {
        let target = tempfile::tempdir().unwrap();
        let services = Services::below(target.path()).unwrap();

        assert!(services.state(Server::Pg).unwrap().is_none());
        assert!(services.down(Server::Pg).unwrap().is_none());
        assert_eq!(as_text(Server::Pg, None), "# pg is down\n");
    }

    #[test]
    fn a_server_that_is_gone_is_down_whatever_its_file_says() {
        let target = tempfile::tempdir().unwrap();
        let services = Services::below(target.path()).unwrap();
        let gone = State {
            since: 0,
            ..state::tests::of_this_process("127.0.0.1:1")
        };
        gone.write(&services.file(Server::Pg)).unwrap();

        assert!(services.state(Server::Pg).unwrap().is_none());
    }

    #[test]
    fn a_shell_takes_every_variable_as_it_is() {
        let mut state = state::tests::of_this_process("127.0.0.1:1");
        state.variables = json!({ "URL": "a'b $c" }).as_object().unwrap().clone();

        let script = format!("{}printf %s \"$URL\"", as_text(Server::Pg, Some(&state)));
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "a'b $c");
    }
}
