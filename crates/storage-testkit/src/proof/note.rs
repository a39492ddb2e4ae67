//! Notes: what a working child tells its parent, a line each.
//!
//! A note is one JSON object on one line. It is written by a single `write(2)`,
//! so whoever watches the writes of the process sees each note as one mark
//! between the writes of the engine. What follows the last line break was cut
//! off by the end of the process and is no note; any other line that cannot be
//! read is an error.
//!
//! An operation's first note is written before its commit is begun, and its
//! answer after the commit has answered. So if the answer of one operation
//! comes before the first note of another, the one had taken effect before the
//! other began.

use std::{
    error::Error as StdError,
    fmt,
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use storage_core::Durability;

use super::{Operation, OperationId, Place, operation::DurabilityName};

/// One line from a working child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case", deny_unknown_fields)]
pub enum Note {
    /// The store is open.
    Opened,
    /// An operation is about to be committed.
    Begins {
        /// The operation.
        operation: Operation,
    },
    /// The commit was acknowledged.
    Committed {
        /// The operation.
        id: OperationId,
        /// Its place in the order of commits, where the store gives one.
        sequence: Option<u64>,
        /// What the answer says that it survives.
        #[serde(with = "DurabilityName")]
        durability: Durability,
    },
    /// The commit was refused, without effect.
    Refused {
        /// The operation.
        id: OperationId,
        /// Why.
        refusal: Refusal,
        /// The error.
        message: String,
    },
    /// Nobody knows whether the commit took effect. Its task ends.
    Unknown {
        /// The operation.
        id: OperationId,
        /// The error.
        message: String,
    },
    /// A read returned what nobody wrote.
    Misread {
        /// Where.
        place: Place,
        /// What it returned.
        message: String,
    },
    /// The store failed where it should not.
    Failed {
        /// What it was asked for, and the error.
        message: String,
    },
    /// The store was closed without an error.
    Closed,
}

/// Why a commit was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// A guard did not hold.
    Conflict,
    /// Another error, which says that nothing was applied.
    NotApplied,
}

/// Reads notes. What follows the last line break is left out.
///
/// # Errors
/// If a whole line is no note; the error gives its number.
pub fn parse(text: &[u8]) -> Result<Vec<Note>, NoteError> {
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .and_then(|end| text.get(..end));
    let Some(whole) = whole else {
        return Ok(Vec::new());
    };
    (1..)
        .zip(whole.split(|byte| *byte == b'\n'))
        .map(|(line, text)| {
            serde_json::from_slice(text).map_err(|source| NoteError { line, source })
        })
        .collect()
}

/// A line that is no note.
#[derive(Debug)]
pub struct NoteError {
    line: usize,
    source: serde_json::Error,
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {} of the child's output is no note ({}); nothing else may be written there",
            self.line, self.source
        )
    }
}

impl StdError for NoteError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}

/// Writes the notes of a child.
#[derive(Debug)]
pub(crate) struct NoteWriter {
    /// The mutex keeps the lines of two tasks apart.
    output: Mutex<File>,
}

impl NoteWriter {
    /// Writes to the standard output, past the buffer that Rust keeps for it.
    ///
    /// # Errors
    /// What the operating system reports.
    pub(crate) fn to_stdout() -> io::Result<Self> {
        let output = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self {
            output: Mutex::new(output.into()),
        })
    }

    /// Writes one note.
    ///
    /// # Errors
    /// What the operating system reports; if the parent is gone, that the pipe
    /// is broken.
    pub(crate) fn write(&self, note: &Note) -> io::Result<()> {
        let mut line = serde_json::to_vec(note)?;
        line.push(b'\n');
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.write_all(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Change, Condition};

    fn operation() -> Operation {
        let place = Place::Own { task: 1, index: 2 };
        Operation {
            id: OperationId { task: 1, step: 0 },
            conditions: vec![Condition::Unchanged { place, seen: None }],
            changes: vec![Change::Put { place, bytes: 40 }],
            is_logged: true,
            durability: Durability::Synced,
        }
    }

    #[test]
    fn notes_are_read_as_they_were_written() {
        let operation = operation();
        let id = operation.id;
        let notes = [
            Note::Opened,
            Note::Begins { operation },
            Note::Committed {
                id,
                sequence: Some(4),
                durability: Durability::Synced,
            },
            Note::Refused {
                id,
                refusal: Refusal::Conflict,
                message: "guard 0".into(),
            },
            Note::Closed,
        ];
        let mut text = Vec::new();
        for note in &notes {
            text.extend(serde_json::to_vec(note).unwrap());
            text.push(b'\n');
        }
        assert_eq!(parse(&text).unwrap(), notes);
        assert_eq!(
            parse(&text[..text.len() - 1]).unwrap(),
            notes[..notes.len() - 1],
            "a line that is cut off is no note"
        );
    }

    #[test]
    fn a_line_that_is_no_note_is_named() {
        let error = parse(b"{\"note\":\"opened\"}\nhello\n{\"note\":\"clo").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        let place = br#"{"note":"misread","place":{"shared":{"index":1}},"message":"","more":1}"#;
        parse(&[place, &b"\n"[..]].concat()).unwrap_err();
    }

    #[test]
    fn the_longest_batch_fits_the_room_of_one_write_to_a_pipe() {
        const PIPE_WRITE_BYTES: usize = 4_096;
        let place = Place::Hidden {
            task: u16::MAX,
            index: u16::MAX,
        };
        let mut operation = operation();
        operation.changes = vec![
            Change::Put {
                place,
                bytes: u32::MAX
            };
            24
        ];
        let seen = Some(OperationId {
            task: u16::MAX,
            step: u32::MAX,
        });
        operation.conditions = vec![Condition::Unchanged { place, seen }; 5];
        let line = serde_json::to_vec(&Note::Begins { operation }).unwrap();
        assert!(line.len() < PIPE_WRITE_BYTES, "{}", line.len());
    }
}
