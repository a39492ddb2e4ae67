//! Why a server, or a call to it, failed.

use std::{error::Error, fmt, io, time::Duration};

use crate::Failure;

/// What calls to servers return.
pub type ServerResult<T = ()> = Result<T, ServerError>;

/// Why a server could not be started, reached or changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// A program is not installed.
    Missing {
        /// The program.
        program: &'static str,
        /// The Debian packages that bring it.
        packages: &'static [&'static str],
    },
    /// The operating system refused something.
    System {
        /// What was to be done.
        task: String,
        /// What it said.
        source: io::Error,
    },
    /// A program ended with an error.
    Failed {
        /// The program.
        program: String,
        /// How it ended, and the last of what it wrote.
        said: String,
    },
    /// A program, or the server, did not get there in time.
    TooSlow {
        /// What was waited for.
        task: String,
        /// How long.
        waited: Duration,
        /// The last of what the server logged.
        log: String,
    },
    /// The server ended when it should have started.
    Ended {
        /// How, and the last of what it logged.
        log: String,
    },
    /// The server cannot take a setting.
    Refused {
        /// The names of the settings.
        settings: String,
        /// The last of what it logged.
        log: String,
    },
    /// The call needs a server that runs, and this one does not.
    NotRunning,
    /// The call needs a server that does not run, and this one does.
    Running,
    /// The programs of the server may not be run by root, and there is no other
    /// account to run them as.
    NoAccount {
        /// The accounts looked for.
        names: &'static [&'static str],
    },
    /// No port of the loopback is free.
    NoPort,
    /// A certificate could not be made.
    Certificate(rcgen::Error),
}

impl ServerError {
    /// Turns what the operating system said about a task into an error.
    pub(super) fn system(task: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let task = task.into();
        move |source| Self::System { task, source }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { program, packages } => {
                let packages = packages.join(" ");
                write!(
                    f,
                    "`{program}` is not installed; on Debian, \
                     `apt-get update && apt-get install --yes {packages}` brings it"
                )
            }
            Self::System { task, source } => write!(f, "cannot {task}: {source}"),
            Self::Failed { program, said } => write!(f, "`{program}` failed: {said}"),
            Self::TooSlow { task, waited, log } => {
                write!(
                    f,
                    "waited {waited:?} in vain for {task}; the server's log:\n{log}"
                )
            }
            Self::Ended { log } => write!(f, "the server ended at its start; its log:\n{log}"),
            Self::Refused { settings, log } => {
                write!(f, "the server cannot take {settings}; its log:\n{log}")
            }
            Self::NotRunning => f.write_str("the server does not run"),
            Self::Running => f.write_str("the server runs already"),
            Self::NoAccount { names } => {
                let names = names.join(" or ");
                write!(
                    f,
                    "servers are not run as root, and there is no account {names}"
                )
            }
            Self::NoPort => f.write_str("no port of the loopback is free"),
            Self::Certificate(error) => write!(f, "cannot make a certificate: {error}"),
        }
    }
}

impl Error for ServerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System { source, .. } => Some(source),
            Self::Certificate(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ServerError> for Failure {
    #[track_caller]
    fn from(error: ServerError) -> Self {
        Self::new(error.to_string())
    }
}
