//! What the doctor finds: one line each.

use std::fmt;

use serde_json::{Value, json};

use crate::status::Status;

/// Something that was looked at, and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) subject: &'static str,
    pub(super) level: Level,
    text: String,
    /// What to do about it.
    remedy: Option<String>,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    /// Works, but may not for long, or not for everybody.
    Warning,
    /// Does not work; the exit code that commands on this store end with.
    Problem(Status),
}

impl Finding {
    pub(super) fn ok(subject: &'static str, text: impl Into<String>) -> Self {
        Self::new(subject, Level::Ok, text)
    }

    pub(super) fn warning(subject: &'static str, text: impl Into<String>) -> Self {
        Self::new(subject, Level::Warning, text)
    }

    pub(super) fn problem(subject: &'static str, status: Status, text: impl Into<String>) -> Self {
        Self::new(subject, Level::Problem(status), text)
    }

    /// The problem that a store's error is; the error says what to do.
    pub(super) fn of_error(subject: &'static str, error: &storage::Error) -> Self {
        let cause = std::error::Error::source(error);
        let text = match cause {
            Some(cause) => format!("{error}, because: {cause}"),
            None => error.to_string(),
        };
        Self::problem(subject, Status::of(error.kind()), text)
    }

    fn new(subject: &'static str, level: Level, text: impl Into<String>) -> Self {
        Self {
            subject,
            level,
            text: text.into(),
            remedy: None,
        }
    }

    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "subject": self.subject,
            "level": self.level.name(),
            "text": self.text,
            "remedy": self.remedy,
        })
    }
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem(_) => "problem",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  {:<8} {:<13} {}",
            self.level.name(),
            self.subject,
            self.text
        )?;
        match &self.remedy {
            Some(remedy) => writeln!(f, "  {:<8} {:<13} -> {remedy}", "", ""),
            None => Ok(()),
        }
    }
}
