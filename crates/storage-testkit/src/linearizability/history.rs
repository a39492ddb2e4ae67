//! Histories: the operations of all clients, as lines of text if need be.

use std::{error::Error as StdError, fmt};

use super::{Moment, Operation};

/// What several clients did to a store that was empty, and what they were
/// answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    operations: Vec<Operation>,
}

/// A line that is not an operation.
#[derive(Debug)]
pub struct LineError {
    line: usize,
    source: serde_json::Error,
}

impl History {
    /// A history without operations.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            operations: Vec::new(),
        }
    }

    /// The operations, in no particular order.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Adds the operations of another client, or of another process on the same
    /// machine.
    pub fn merge(&mut self, other: Self) {
        self.operations.extend(other.operations);
    }

    /// One line of JSON for each operation.
    ///
    /// # Errors
    /// None that is known: every operation has a line.
    pub fn to_lines(&self) -> serde_json::Result<String> {
        let mut lines = String::new();
        for operation in &self.operations {
            lines += &serde_json::to_string(operation)?;
            lines.push('\n');
        }
        Ok(lines)
    }

    /// The history that [`to_lines`](Self::to_lines) wrote. Empty lines are
    /// skipped.
    ///
    /// # Errors
    /// Which line is not an operation, and why.
    pub fn from_lines(lines: &str) -> Result<Self, LineError> {
        (1..)
            .zip(lines.lines())
            .filter(|(_, text)| !text.trim().is_empty())
            .map(|(line, text)| {
                serde_json::from_str(text).map_err(|source| LineError { line, source })
            })
            .collect()
    }

    /// How many pairs of operations of two clients were under way at the same
    /// time. What was never answered counts for nothing, since it may be over
    /// just as well.
    #[must_use]
    pub fn overlaps(&self) -> usize {
        let reaches = |a: &Operation, b: &Operation| a.answered.is_some_and(|end| end >= b.called);
        let concurrent =
            |a: &Operation, b: &Operation| a.client != b.client && reaches(a, b) && reaches(b, a);
        (1..)
            .zip(&self.operations)
            .map(|(next, one)| {
                let others = self.operations.iter().skip(next);
                others.filter(|other| concurrent(one, other)).count()
            })
            .sum()
    }

    /// The history as it was at `end`: what was not answered by then is open.
    pub(super) fn until(&self, end: Moment) -> Self {
        let known = |operation: &Operation| {
            let mut operation = operation.clone();
            operation.answered = operation.answered.filter(|answered| *answered <= end);
            let says_something = operation.answered.is_some() || !operation.only_reads();
            (operation.called <= end && says_something).then_some(operation)
        };
        self.operations.iter().filter_map(known).collect()
    }

    /// The history of a store whose reads may lag behind: what only reads may
    /// show any earlier state.
    pub(super) fn with_lagging_reads(mut self) -> Self {
        for operation in &mut self.operations {
            if operation.only_reads() {
                operation.called = Moment::START;
            }
        }
        self
    }
}

impl FromIterator<Operation> for History {
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        Self {
            operations: operations.into_iter().collect(),
        }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {} is not an operation of a history ({}); each line must be what to_lines wrote",
            self.line, self.source
        )
    }
}

impl StdError for LineError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}
