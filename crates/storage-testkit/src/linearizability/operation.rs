//! Operations: what a client asked, when, and what the answer says.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Moment;

/// One operation of a history, reduced to what it means: at one instant between
/// its call and its answer, all conditions hold, and the changes are made.
///
/// A read that saw two keys is two conditions and no change; a guarded batch
/// that was applied is its guards and its changes; a refused one is the guard
/// that failed, turned round. An operation without an answer may take effect at
/// any instant after its call, if its conditions hold there, or never.
///
/// Keys and values are text, so that people can read them: bytes that are not
/// printable are escaped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Who asked.
    pub client: ClientId,
    /// What was asked.
    pub kind: OperationKind,
    /// When it was asked, or before.
    pub called: Moment,
    /// When it was answered, or later; `None` if it never was.
    pub answered: Option<Moment>,
    /// What holds just before it, by key.
    pub conditions: Vec<(String, Condition)>,
    /// What it sets, in order; `None` removes a key.
    pub changes: Vec<(String, Option<String>)>,
}

/// A client: one task of one process, which waits for each answer before it
/// asks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientId {
    /// The process, among those whose histories are merged.
    pub process: u32,
    /// The client within the process.
    pub number: u32,
}

/// What was asked: for the reader of a history. The judges look only at
/// conditions and changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// A read of one key.
    Get,
    /// One key of a read of many, each of which is read at its own instant.
    GetMany,
    /// A page of a scan.
    Page,
    /// A snapshot and all that was read from it: the state at one instant of
    /// the call that took it.
    Snapshot,
    /// A batch.
    Commit,
    /// `delete`, which says whether the key existed.
    Delete,
    /// `compare_and_swap`.
    CompareAndSwap,
}

/// What an answer says of a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It has no entry.
    Absent,
    /// It has an entry.
    Present,
    /// It has this value.
    Is(String),
    /// It is absent or has another value.
    IsNot(String),
}

impl Operation {
    /// An operation answered between two instants.
    #[must_use]
    pub const fn answered(
        client: ClientId,
        kind: OperationKind,
        called: Moment,
        answered: Moment,
    ) -> Self {
        Self {
            client,
            kind,
            called,
            answered: Some(answered),
            conditions: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// An operation that was never answered, or with `Unknown`.
    #[must_use]
    pub const fn open_ended(client: ClientId, kind: OperationKind, called: Moment) -> Self {
        Self {
            client,
            kind,
            called,
            answered: None,
            conditions: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Adds a condition.
    #[must_use]
    pub fn when(mut self, key: impl Into<String>, condition: Condition) -> Self {
        self.conditions.push((key.into(), condition));
        self
    }

    /// Adds what a read saw of a key.
    #[must_use]
    pub fn saw(self, key: impl Into<String>, value: Option<&str>) -> Self {
        self.when(key, Condition::seen(value))
    }

    /// Adds a put.
    #[must_use]
    pub fn put(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.changes.push((key.into(), Some(value.into())));
        self
    }

    /// Adds a delete.
    #[must_use]
    pub fn delete(mut self, key: impl Into<String>) -> Self {
        self.changes.push((key.into(), None));
        self
    }

    /// Whether it only looks.
    #[must_use]
    pub const fn only_reads(&self) -> bool {
        self.changes.is_empty()
    }
}

impl ClientId {
    /// A client of the only process.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self { process: 0, number }
    }
}

impl Condition {
    /// What a read that returned `value` says.
    #[must_use]
    pub fn seen(value: Option<&str>) -> Self {
        value.map_or(Self::Absent, |value| Self::Is(value.to_owned()))
    }

    /// What is true where this is not.
    #[must_use]
    pub fn negated(&self) -> Self {
        match self {
            Self::Absent => Self::Present,
            Self::Present => Self::Absent,
            Self::Is(value) => Self::IsNot(value.clone()),
            Self::IsNot(value) => Self::Is(value.clone()),
        }
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.process {
            0 => write!(f, "c{}", self.number),
            process => write!(f, "p{process}c{}", self.number),
        }
    }
}

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::GetMany => "get_many",
            Self::Page => "page",
            Self::Snapshot => "snapshot",
            Self::Commit => "commit",
            Self::Delete => "delete",
            Self::CompareAndSwap => "compare_and_swap",
        })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        let mut lead = if self.only_reads() { " saw " } else { " if " };
        for (key, condition) in &self.conditions {
            write!(f, "{lead}{key} ")?;
            match condition {
                Condition::Absent => f.write_str("absent")?,
                Condition::Present => f.write_str("present")?,
                Condition::Is(value) => write!(f, "= {value}")?,
                Condition::IsNot(value) => write!(f, "other than {value}")?,
            }
            lead = ", ";
        }
        lead = ": ";
        for (key, value) in &self.changes {
            match value {
                Some(value) => write!(f, "{lead}put {key} = {value}")?,
                None => write!(f, "{lead}delete {key}")?,
            }
            lead = ", ";
        }
        if self.answered.is_none() {
            f.write_str(" (no answer)")?;
        }
        Ok(())
    }
}
