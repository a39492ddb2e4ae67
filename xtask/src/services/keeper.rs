//! The process that keeps a server.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;

use super::state::State;
use crate::server::Server;
use crate::tool;

/// The program of the testkit.
const PROGRAM: &str = "storage-test-servers";

/// A keeper that has started its server, and ends it if this process ends.
#[derive(Debug)]
pub(super) struct Keeper {
    process: Child,
    state: State,
}

impl Keeper {
    /// Starts a server; what it complains about goes to `log`.
    pub(super) fn start(server: Server, log: &Path) -> Result<Self> {
        let program = build()?;
        eprintln!("starting {}", server.name());
        let complaints =
            File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut process = Command::new(program)
            .arg(server.name())
            // It stays when this process is interrupted after it was let go.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints)
            .spawn()
            .with_context(|| format!("cannot start `{PROGRAM}`"))?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut line)
                .with_context(|| format!("cannot read from `{PROGRAM}`"))?;
        }
        if line.is_empty() {
            let status = process.wait()?;
            let said = fs::read_to_string(log).unwrap_or_default();
            bail!("cannot start {}: {status}\n{}", server.name(), said.trim());
        }
        let id = i32::try_from(process.id()).context("a process id beyond pid_t")?;
        let state = State::parse(id, &line)
            .with_context(|| format!("`{PROGRAM}` printed something unexpected: {line}"))?;
        Ok(Self { process, state })
    }

    /// What is known of the server.
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// From now on the server stays until it is ended.
    pub(super) fn let_go(mut self) -> Result<State> {
        let mut input = self.process.stdin.take().context("the input is piped")?;
        writeln!(input, "keep").context("the server has ended at once")?;
        Ok(self.state)
    }
}

/// Builds the program and says where it is.
fn build() -> Result<PathBuf> {
    let mut command = tool::cargo();
    command.args([
        "build",
        "--package",
        "storage-testkit",
        "--features=servers",
    ]);
    command.args(["--bin", PROGRAM, "--message-format=json-render-diagnostics"]);
    let line = tool::command_line(&command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}", output.status);
    }
    let messages = Message::parse_stream(output.stdout.as_slice());
    let mut executables = messages.flatten().filter_map(|message| match message {
        Message::CompilerArtifact(artifact) => artifact.executable,
        _ => None,
    });
    let program = executables
        .next()
        .with_context(|| format!("`{line}` built no program"))?;
    Ok(program.into_std_path_buf())
}
