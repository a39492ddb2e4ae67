//! What a process did, put together from its notes.

use std::{collections::BTreeMap, error::Error as StdError, fmt};

use storage_core::Durability;

use crate::proof::{Note, Operation, OperationId, Place, Refusal};

/// The operations of one process, and how they were answered.
#[derive(Clone, Debug, Default)]
pub struct History {
    records: BTreeMap<OperationId, Record>,
    misread: Vec<(Place, String)>,
    failures: Vec<String>,
    end: End,
}

/// How the process is known to have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// In the middle of its work, for all that it noted.
    #[default]
    Sudden,
    /// After it had closed the store.
    Closed,
}

/// An operation, and what became of it.
#[derive(Clone, Debug)]
pub struct Record {
    /// The operation.
    pub operation: Operation,
    /// Which note began it.
    pub begun: usize,
    /// How it was answered.
    pub answer: Answer,
}

/// How an operation was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Not at all, or with an error that leaves it open: it may have taken
    /// effect.
    Open,
    /// It was acknowledged.
    Committed {
        /// Which note said so.
        at: usize,
        /// Its place in the order of commits.
        sequence: Option<u64>,
        /// What it survives.
        durability: Durability,
    },
    /// It was refused, without effect.
    Refused(Refusal),
}

impl Record {
    /// What the operation was acknowledged to survive.
    #[must_use]
    pub const fn durability(&self) -> Option<Durability> {
        match self.answer {
            Answer::Committed { durability, .. } => Some(durability),
            _ => None,
        }
    }

    /// Whether the operation may have taken effect.
    #[must_use]
    pub const fn may_have_applied(&self) -> bool {
        !matches!(self.answer, Answer::Refused(_))
    }
}

impl History {
    /// Puts notes together.
    ///
    /// # Errors
    /// If they contradict themselves: an operation that begins twice, an answer
    /// without one.
    pub fn of(notes: &[Note]) -> Result<Self, Contradiction> {
        let mut history = Self::default();
        for (at, note) in notes.iter().enumerate() {
            history
                .add(at, note)
                .map_err(|what| Contradiction { line: at + 1, what })?;
        }
        Ok(history)
    }

    /// How the process ended.
    #[must_use]
    pub const fn end(&self) -> End {
        self.end
    }

    /// The operations, those of a task in the order it did them.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// The operations that may write `place`: one task's, unless all share it.
    pub(super) fn records_at(&self, place: Place) -> impl Iterator<Item = &Record> {
        let tasks = match place {
            Place::Own { task, .. } | Place::Hidden { task, .. } => task..=task,
            Place::Shared { .. } => 0..=u16::MAX,
        };
        let (first, last) = tasks.into_inner();
        let first = OperationId {
            task: first,
            step: 0,
        };
        let last = OperationId {
            task: last,
            step: u32::MAX,
        };
        self.records.range(first..=last).map(|(_, record)| record)
    }

    /// The operation of this name.
    #[must_use]
    pub fn record(&self, id: OperationId) -> Option<&Record> {
        self.records.get(&id)
    }

    /// Reads that went wrong while the process lived.
    pub fn misread(&self) -> impl Iterator<Item = (Place, &str)> {
        self.misread
            .iter()
            .map(|(place, message)| (*place, message.as_str()))
    }

    /// What else went wrong while the process lived.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        self.failures.iter().map(String::as_str)
    }

    /// The places that some operation names, in order.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        let named = self.records().flat_map(|record| record.operation.places());
        let mut places: Vec<Place> = named.collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    fn add(&mut self, at: usize, note: &Note) -> Result<(), &'static str> {
        match note {
            Note::Opened => Ok(()),
            Note::Closed => {
                self.end = End::Closed;
                Ok(())
            }
            Note::Begins { operation } => {
                let record = Record {
                    operation: operation.clone(),
                    begun: at,
                    answer: Answer::Open,
                };
                match self.records.insert(operation.id, record) {
                    None => Ok(()),
                    Some(_) => Err("an operation begins twice"),
                }
            }
            Note::Committed {
                id,
                sequence,
                durability,
            } => self.answer(
                *id,
                Answer::Committed {
                    at,
                    sequence: *sequence,
                    durability: *durability,
                },
            ),
            Note::Refused { id, refusal, .. } => self.answer(*id, Answer::Refused(*refusal)),
            Note::Unknown { id, message } => {
                // No fault was injected, so there is no excuse for it.
                self.failures
                    .push(format!("operation {id} was left open: {message}"));
                self.answer(*id, Answer::Open)
            }
            Note::Misread { place, message } => {
                self.misread.push((*place, message.clone()));
                Ok(())
            }
            Note::Failed { message } => {
                self.failures.push(message.clone());
                Ok(())
            }
        }
    }

    fn answer(&mut self, id: OperationId, answer: Answer) -> Result<(), &'static str> {
        let record = self.records.get_mut(&id);
        let record = record.ok_or("an answer to an operation that never began")?;
        if record.answer != Answer::Open {
            return Err("a second answer to an operation");
        }
        record.answer = answer;
        Ok(())
    }
}

/// Notes that contradict themselves: whoever wrote them is wrong, not the store.
#[derive(Debug)]
pub struct Contradiction {
    line: usize,
    what: &'static str,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "note {} contradicts those before it: {}",
            self.line, self.what
        )
    }
}

impl StdError for Contradiction {}
