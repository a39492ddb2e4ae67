//! How a case says that a store is not what it claims to be.

use std::{error::Error as StdError, fmt, io, panic::Location};

use storage_core::Error;
use tokio::task::JoinError;

/// What a case returns: nothing, or why the store fails it.
pub type CaseResult<T = ()> = Result<T, Failure>;

/// Why a store fails a case, and which line of the case found out.
pub struct Failure {
    message: String,
    place: &'static Location<'static>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Failure {
    /// A failure found by the calling line.
    #[track_caller]
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: Location::caller(),
            source: None,
        }
    }

    /// The same failure, with what it means put before it.
    #[must_use]
    pub fn within(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }
}

impl From<Error> for Failure {
    #[track_caller]
    fn from(error: Error) -> Self {
        Self {
            message: format!("an operation that should succeed failed: {error}"),
            place: Location::caller(),
            source: Some(error.into()),
        }
    }
}

impl From<io::Error> for Failure {
    #[track_caller]
    fn from(error: io::Error) -> Self {
        Self {
            message: format!("the operating system failed: {error}"),
            place: Location::caller(),
            source: Some(error.into()),
        }
    }
}

impl From<JoinError> for Failure {
    #[track_caller]
    fn from(error: JoinError) -> Self {
        Self {
            message: format!("a task did not finish: {error}"),
            place: Location::caller(),
            source: Some(error.into()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (found at {})", self.message, self.place)?;
        let mut cause = self.source.as_deref().and_then(StdError::source);
        while let Some(error) = cause {
            write!(f, "\n  caused by: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

/// Returns a [`Failure`] unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::Failure::new(format!($($message)+)));
        }
    };
}

/// Returns a [`Failure`] that shows both values unless they are equal.
macro_rules! ensure_eq {
    ($actual:expr, $expected:expr, $($message:tt)+) => {
        match (&$actual, &$expected) {
            (actual, expected) => {
                if *actual != *expected {
                    return Err($crate::Failure::new(format!(
                        "{}\n    actual: {}\n  expected: {}",
                        format_args!($($message)+),
                        $crate::failure::shown(actual),
                        $crate::failure::shown(expected),
                    )));
                }
            }
        }
    };
}

pub(crate) use {ensure, ensure_eq};

/// A value as a failure shows it: not more of it than anybody reads.
pub(crate) fn shown(value: &impl fmt::Debug) -> String {
    const CHARACTERS_MAX: usize = 1_500;
    let text = format!("{value:?}");
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
