//! Why a command failed, and how that is told.

use std::{
    error::Error as StdError,
    fmt::Display,
    io::{self, ErrorKind as IoErrorKind, Write},
};

use serde_json::json;
use storage::Outcome;

use crate::{output::Form, status::Status};

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Whoever read standard output has gone: nothing is wrong, and nobody is
    /// left to tell.
    OutputClosed,
    /// Something to report.
    Reported(Box<Report>),
}

/// What was wrong, why, and what to do.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) status: Status,
    kind: String,
    message: String,
    causes: Vec<String>,
    remedy: Option<String>,
    note: Option<String>,
    outcome: Option<Outcome>,
}

impl Failure {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Self::Reported(Box::new(Report {
            status,
            kind: status.name().to_owned(),
            message: message.into(),
            causes: Vec::new(),
            remedy: None,
            note: None,
            outcome: None,
        }))
    }

    /// The command line or what it names is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Status::Usage, message)
    }

    /// The operating system refused something; `doing` completes "could not".
    pub(crate) fn io(doing: impl Display, error: &io::Error) -> Self {
        if error.kind() == IoErrorKind::BrokenPipe {
            return Self::OutputClosed;
        }
        Self::new(Status::Other, format!("could not {doing}")).because(error)
    }

    /// Adds a cause and the causes of that cause.
    pub(crate) fn because(self, cause: &(dyn StdError + 'static)) -> Self {
        self.edit(|report| {
            let chain = std::iter::successors(Some(cause), |&cause| cause.source());
            report.causes.extend(chain.map(ToString::to_string));
        })
    }

    /// Says what to do about it.
    pub(crate) fn remedy(self, remedy: impl Into<String>) -> Self {
        self.edit(|report| report.remedy = Some(remedy.into()))
    }

    /// Says what is so in spite of the failure.
    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        self.edit(|report| report.note = Some(note.into()))
    }

    /// Says what failed because of this; what was the message is now the first
    /// cause.
    pub(crate) fn within(self, message: impl Into<String>) -> Self {
        self.edit(|report| {
            let cause = std::mem::replace(&mut report.message, message.into());
            report.causes.insert(0, cause);
        })
    }

    /// Whether a write that failed may have happened all the same.
    pub(crate) fn leaves_open(&self) -> bool {
        match self {
            Self::OutputClosed => false,
            Self::Reported(report) => report.outcome == Some(Outcome::Unknown),
        }
    }

    fn edit(mut self, change: impl FnOnce(&mut Report)) -> Self {
        if let Self::Reported(report) = &mut self {
            change(report);
        }
        self
    }
}

impl From<storage::Error> for Failure {
    fn from(error: storage::Error) -> Self {
        let failure = Self::new(Status::of(error.kind()), error.to_string());
        let failure = match error.source() {
            Some(source) => failure.because(source),
            None => failure,
        };
        failure.edit(|report| {
            report.kind = error.kind().to_string().replace(' ', "_");
            report.outcome = error.outcome();
        })
    }
}

impl Report {
    /// Tells standard error: in words, and for programs also as one line of
    /// JSON, the last one.
    pub(crate) fn print(&self, form: Form) {
        let mut stderr = io::stderr().lock();
        // Nobody is left to be told that standard error cannot be written to.
        let _ = self.write(form, &mut stderr);
    }

    /// Tells a program only, where people were told otherwise.
    pub(crate) fn print_json(&self) {
        let _ = writeln!(io::stderr().lock(), "{}", self.to_json());
    }

    fn write(&self, form: Form, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "error: {}", self.message)?;
        for cause in &self.causes {
            writeln!(out, "  because: {cause}")?;
        }
        if let Some(remedy) = &self.remedy {
            writeln!(out, "  remedy: {remedy}")?;
        }
        if let Some(note) = &self.note {
            writeln!(out, "  note: {note}")?;
        }
        match form {
            Form::Text => Ok(()),
            Form::Json => writeln!(out, "{}", self.to_json()),
        }
    }

    fn to_json(&self) -> serde_json::Value {
        let outcome = self.outcome.map(|outcome| match outcome {
            Outcome::NotApplied => "not_applied",
            Outcome::Unknown => "unknown",
        });
        json!({"error": {
            "code": self.status.code(),
            "status": self.status.name(),
            "kind": self.kind,
            "message": self.message,
            "causes": self.causes,
            "remedy": self.remedy,
            "note": self.note,
            "outcome": outcome,
        }})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(failure: Failure, form: Form) -> String {
        let mut out = Vec::new();
        match failure {
            Failure::Reported(report) => report.write(form, &mut out).unwrap(),
            Failure::OutputClosed => {}
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_report_gives_the_message_then_the_causes_then_the_remedy() {
        let failure = Failure::io("read `a`", &io::Error::other("the disk is gone"))
            .within("the import stopped")
            .remedy("plug it in");
        assert_eq!(
            printed(failure, Form::Text),
            "error: the import stopped\n  because: could not read `a`\n  \
             because: the disk is gone\n  remedy: plug it in\n"
        );
    }

    #[test]
    fn a_closed_output_is_not_reported() {
        let error = io::Error::from(IoErrorKind::BrokenPipe);
        assert!(matches!(
            Failure::io("write", &error),
            Failure::OutputClosed
        ));
    }

    #[test]
    fn the_last_line_for_a_program_is_json() {
        let error = storage::Error::new(storage::ErrorKind::TimedOut, "too slow")
            .with_outcome(Outcome::Unknown);
        let text = printed(error.into(), Form::Json);
        let json: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(json["error"]["kind"], "timed_out");
        assert_eq!(json["error"]["code"], 4);
        assert_eq!(json["error"]["outcome"], "unknown");
    }
}
