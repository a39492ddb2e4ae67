//! Why there is no recording.

use std::{error::Error, fmt, io, time::Duration};

use nix::errno::Errno;

/// Why a process could not be recorded.
#[derive(Debug)]
pub(in crate::proof) enum RecordError {
    /// The operating system refused something.
    System(io::Error),
    /// The process did what the model does not know.
    Unmodelled {
        /// The system call.
        call: String,
        /// What it would have done, and what can be done about it.
        reason: &'static str,
    },
    /// The process ended otherwise than with success.
    Ended {
        /// How it ended.
        how: String,
        /// What it wrote on its standard error.
        complaints: String,
    },
    /// The directory is not what the recorded operations make of it.
    Incomplete(Vec<String>),
    /// The recording thread panicked.
    Panicked,
}

impl RecordError {
    pub(super) fn unmodelled(call: impl Into<String>, reason: &'static str) -> Self {
        Self::Unmodelled {
            call: call.into(),
            reason,
        }
    }

    /// The process had to be killed.
    pub(super) fn overdue(after: Duration) -> Self {
        Self::Ended {
            how: format!("did not end within {after:?} and was killed"),
            complaints: String::new(),
        }
    }

    pub(super) fn with_complaints(self, text: &str) -> Self {
        match self {
            Self::Ended { how, .. } => Self::Ended {
                how,
                complaints: text.trim().to_owned(),
            },
            other => other,
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(error) => write!(f, "recording failed: {error}"),
            Self::Unmodelled { call, reason } => {
                write!(f, "the recorded process called {call}: {reason}")
            }
            Self::Ended { how, complaints } => {
                write!(f, "the recorded process {how}; it said: {complaints}")
            }
            Self::Incomplete(differences) => write!(
                f,
                "the recorded operations do not add up to the directory that the process left, \
                 so the recorder missed some: {}",
                differences.join(", ")
            ),
            Self::Panicked => f.write_str("the recording thread panicked"),
        }
    }
}

impl Error for RecordError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for RecordError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<Errno> for RecordError {
    fn from(error: Errno) -> Self {
        Self::System(error.into())
    }
}
