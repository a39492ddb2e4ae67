//! What is known of a server that was started.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Map, Value, json};

/// A server that takes connections does so at once.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// A server that takes longer to end hangs.
const END_MAX: Duration = Duration::from_secs(30);

/// How often to look whether it has ended.
const POLL: Duration = Duration::from_millis(20);

/// A server and the process that keeps it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    /// The id of the keeper.
    pub(super) keeper: i32,
    /// When the keeper was started, in ticks since the system was: another process may be given the
    /// same id, but not the same moment.
    pub(super) since: u64,
    /// Where the server listens.
    pub(super) address: SocketAddr,
    /// What is gone when the server is.
    pub(super) directory: PathBuf,
    /// What programs find the server by.
    pub(super) variables: Map<String, Value>,
}

/// Whether a server is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It takes connections.
    Answers,
    /// It was started and not stopped, but takes no connections.
    Silent,
    /// Nothing is left of it.
    Gone,
}

impl Presence {
    /// The word for it in what is printed.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Answers => "up",
            Self::Silent => "not answering",
            Self::Gone => "down",
        }
    }
}

impl State {
    /// What the keeper with this id has printed about its server.
    pub(super) fn parse(keeper: i32, printed: &str) -> Result<Self> {
        let printed: Value = serde_json::from_str(printed)?;
        let text = |name| printed.get(name).and_then(Value::as_str).context(name);
        Ok(Self {
            keeper,
            since: started_at(keeper).context("the keeper has ended")?,
            address: text("address")?.parse()?,
            directory: text("directory")?.into(),
            variables: variables(&printed),
        })
    }

    /// What was written to a file, if there is one.
    pub(super) fn read(file: &Path) -> Result<Option<Self>> {
        let unreadable = || {
            let file = file.display();
            format!("{file} is not what `services up` has written; remove it")
        };
        let text = match fs::read_to_string(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.with_context(unreadable)?,
        };
        Self::from_text(&text).with_context(unreadable).map(Some)
    }

    /// Writes it to a file, whole or not at all.
    pub(super) fn write(&self, file: &Path) -> Result<()> {
        let text = json!({
            "keeper": self.keeper,
            "since": self.since,
            "address": self.address,
            "directory": self.directory,
            "variables": self.variables,
        });
        let new = file.with_extension("new");
        // There are passwords in it, and it may be left from before.
        let _ = fs::remove_file(&new);
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        options
            .open(&new)
            .and_then(|mut file| file.write_all(text.to_string().as_bytes()))
            .and_then(|()| fs::rename(&new, file))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// Whether the server is there at this moment.
    pub(super) fn presence(&self) -> Presence {
        if !self.keeper_runs() {
            Presence::Gone
        } else if TcpStream::connect_timeout(&self.address, ANSWER_MAX).is_ok() {
            Presence::Answers
        } else {
            Presence::Silent
        }
    }

    /// Ends the keeper, and waits until its server is gone too.
    pub(super) fn end(&self) -> Result<()> {
        if self.keeper_runs() {
            match kill(Pid::from_raw(self.keeper), Signal::SIGTERM) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(error) => bail!("cannot end process {}: {error}", self.keeper),
            }
        }
        let deadline = Instant::now() + END_MAX;
        while self.keeper_runs() || self.directory.exists() {
            if Instant::now() >= deadline {
                let directory = self.directory.display();
                bail!(
                    "it is not gone after {END_MAX:?}; see process {} and {directory}",
                    self.keeper
                );
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn keeper_runs(&self) -> bool {
        started_at(self.keeper) == Some(self.since)
    }

    fn from_text(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text)?;
        let number = |name| value.get(name).and_then(Value::as_u64).context(name);
        let text = |name| value.get(name).and_then(Value::as_str).context(name);
        Ok(Self {
            keeper: number("keeper")?.try_into()?,
            since: number("since")?,
            address: text("address")?.parse()?,
            directory: text("directory")?.into(),
            variables: variables(&value),
        })
    }
}

fn variables(value: &Value) -> Map<String, Value> {
    let variables = value.get("variables").and_then(Value::as_object);
    variables.cloned().unwrap_or_default()
}

/// When a process was started; none if it has ended.
fn started_at(process: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name stands in parentheses, and may hold any others.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let started = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(started)
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::TcpListener;

    use super::*;

    /// The state of a server that this process keeps.
    pub(in crate::services) fn of_this_process(address: &str) -> State {
        let printed = json!({
            "address": address,
            "directory": "/nowhere",
            "variables": { "NAME": "value" },
        });
        let this = std::process::id().try_into().unwrap();
        State::parse(this, &printed.to_string()).unwrap()
    }

    #[test]
    fn what_was_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pg.json");
        assert_eq!(State::read(&file).unwrap(), None);

        let state = of_this_process("127.0.0.1:1");
        state.write(&file).unwrap();

        assert_eq!(State::read(&file).unwrap(), Some(state));
    }

    #[test]
    fn a_file_that_is_none_of_ours_is_refused_by_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pg.json");
        fs::write(&file, "{}").unwrap();

        let error = format!("{:#}", State::read(&file).unwrap_err());
        assert!(error.contains("pg.json"), "{error}");
    }

    #[test]
    fn a_server_is_up_only_while_it_takes_connections() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = of_this_process(&listener.local_addr().unwrap().to_string());
        assert_eq!(state.presence(), Presence::Answers);

        drop(listener);
        assert_eq!(state.presence(), Presence::Silent);
    }

    #[test]
    fn a_stranger_with_the_id_of_the_keeper_is_not_ended() {
        let state = of_this_process("127.0.0.1:1");
        let of_another = State {
            since: state.since - 1,
            ..state
        };
        assert_eq!(of_another.presence(), Presence::Gone);

        // It would be this process.
        of_another.end().unwrap();
    }
}
