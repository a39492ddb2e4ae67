//! Standard output: the only place that prints results.

use std::io::{self, BufWriter, StdoutLock, Write};

use crate::failure::{Failure, Result};

/// Who reads the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A person.
    Text,
    /// A program.
    Json,
}

/// Standard output, locked and buffered.
#[derive(Debug)]
pub(crate) struct Output {
    stream: BufWriter<StdoutLock<'static>>,
}

impl Output {
    pub(crate) fn to_stdout() -> Self {
        Self {
            stream: BufWriter::new(io::stdout().lock()),
        }
    }

    /// Prints bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream
            .write_all(bytes)
            .map_err(|error| refused(&error))
    }

    /// Prints one line.
    pub(crate) fn line(&mut self, line: impl AsRef<str>) -> Result<()> {
        self.bytes(line.as_ref().as_bytes())?;
        self.bytes(b"\n")
    }

    /// Hands over everything printed so far.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.stream.flush().map_err(|error| refused(&error))
    }

    /// The stream itself, for a writer of its own.
    pub(crate) fn writer(&mut self) -> &mut dyn Write {
        &mut self.stream
    }

    /// Hands over everything that was printed. Without it, a full disk behind
    /// standard output would go unseen.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()
    }
}

fn refused(error: &io::Error) -> Failure {
    Failure::io("write to standard output", error)
}
