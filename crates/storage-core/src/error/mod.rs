//! Errors that say what went wrong, whether to try again, and, for a write,
//! whether it may have happened.
//!
//! Absence is never an error: a read of a key that is not there is `Ok(None)`.

mod io;
mod kind;
mod redacted;

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

pub use self::{
    kind::{ErrorKind, Operation, Outcome, Retry},
    redacted::RedactedKey,
};
use crate::{Guard, Key};

/// The result of a storage operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// Why an operation failed. One pointer wide.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    retry: Retry,
    outcome: Option<Outcome>,
    operation: Option<Operation>,
    layer: Option<Cow<'static, str>>,
    key: Option<RedactedKey>,
    guard: Option<usize>,
    is_foreign_lock: bool,
    source: Option<Source>,
}

impl Error {
    /// An error of `kind`. The message names what was wrong and what to do.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            retry: Retry::Never,
            outcome: None,
            operation: None,
            layer: None,
            key: None,
            guard: None,
            is_foreign_lock: false,
            source: None,
        }))
    }

    /// The conflict of a batch whose guard number `index` does not hold.
    #[must_use]
    pub fn conflict(index: usize, guard: &Guard) -> Self {
        let mut error = Self::new(
            ErrorKind::Conflict,
            format!("guard {index} ({guard}) does not hold; read again and decide anew"),
        )
        .with_outcome(Outcome::NotApplied)
        .with_key(guard.key());
        error.0.guard = Some(index);
        error
    }

    /// The answer of a store that was closed.
    #[must_use]
    pub fn closed() -> Self {
        Self::new(ErrorKind::Closed, "the store is closed; open it again")
    }

    /// Says that the same request may succeed after `delay`.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.0.retry = Retry::After(delay);
        self
    }

    /// Says whether the failed write may have taken effect.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = Some(outcome);
        self
    }

    /// Says whether the failed write may have taken effect, unless that is known
    /// already.
    #[must_use]
    pub(crate) fn or_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome.get_or_insert(outcome);
        self
    }

    /// Says that another process or connection held a lock for as long as there
    /// was leave to wait. An engine says so of its writes, so that what queues
    /// behind them is not made to wait for the same lock again.
    #[must_use]
    pub fn with_foreign_lock(mut self) -> Self {
        self.0.is_foreign_lock = true;
        self
    }

    /// Says what was being done, unless that is known already.
    #[must_use]
    pub fn with_operation(mut self, operation: Operation) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Says which engine or layer failed, unless that is known already.
    #[must_use]
    pub fn with_layer(mut self, layer: impl Into<Cow<'static, str>>) -> Self {
        self.0.layer.get_or_insert_with(|| layer.into());
        self
    }

    /// Says where it went wrong, before what did: of several servers, at which.
    #[must_use]
    pub fn with_place(mut self, place: impl fmt::Display) -> Self {
        self.0.message = format!("{place}: {}", self.0.message).into();
        self
    }

    /// Names the key, redacted, unless one is named already.
    #[must_use]
    pub fn with_key<'a>(mut self, key: impl Into<Key<'a>>) -> Self {
        self.0.key.get_or_insert_with(|| key.into().into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was wrong and what to do, in words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// For a write: whether it may have taken effect. `None` for reads.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.0.outcome
    }

    /// Whether another process or connection held a lock that was needed.
    #[must_use]
    pub fn is_foreign_lock(&self) -> bool {
        self.0.is_foreign_lock
    }

    /// What was being done.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// The engine or layer that failed.
    #[must_use]
    pub fn layer(&self) -> Option<&str> {
        self.0.layer.as_deref()
    }

    /// The key at fault, redacted.
    #[must_use]
    pub fn key(&self) -> Option<RedactedKey> {
        self.0.key
    }

    /// For a conflict: the index of the guard that did not hold.
    #[must_use]
    pub fn guard(&self) -> Option<usize> {
        self.0.guard
    }

    /// The same failure for another caller that shared it. The source, which
    /// cannot be shared, becomes its text.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(Box::new(Inner {
            kind: self.0.kind,
            message: self.0.message.clone(),
            retry: self.0.retry,
            outcome: self.0.outcome,
            operation: self.0.operation,
            layer: self.0.layer.clone(),
            key: self.0.key,
            guard: self.0.guard,
            is_foreign_lock: self.0.is_foreign_lock,
            source: self.0.source.as_ref().map(|s| s.to_string().into()),
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        if let Some(operation) = inner.operation {
            write!(f, "{operation}")?;
            if let Some(layer) = &inner.layer {
                write!(f, " ({layer})")?;
            }
            f.write_str(": ")?;
        } else if let Some(layer) = &inner.layer {
            write!(f, "{layer}: ")?;
        }
        write!(f, "{}: {}", inner.kind, inner.message)?;
        if let Some(key) = inner.key {
            write!(f, " [{key}]")?;
        }
        if inner.outcome == Some(Outcome::Unknown) {
            f.write_str(" (the write may have been applied)")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("retry", &self.0.retry)
            .field("outcome", &self.0.outcome)
            .field("operation", &self.0.operation)
            .field("layer", &self.0.layer)
            .field("key", &self.0.key)
            .field("guard", &self.0.guard)
            .field("is_foreign_lock", &self.0.is_foreign_lock)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}
