//! What happens to a call.

use std::time::Duration;

use storage_core::{Error, ErrorKind, Outcome, Result};
use tokio::{runtime::Handle, time};

use super::{
    Gate,
    call::{Call, Touched},
};

/// The name under which a faulty store is described and its errors are known.
pub(super) const NAME: &str = "faulty";

/// What happens to a call, and which part of the contract lets it.
#[derive(Clone, Debug)]
pub struct Fault {
    effect: Effect,
    retry_after: Option<Duration>,
}

#[derive(Clone, Debug)]
pub(super) enum Effect {
    Refuse(ErrorKind),
    LoseAnswer(ErrorKind),
    LoseRequest(ErrorKind),
    ApplyLate(ErrorKind, Until),
    Hold(Until),
    HoldAnswer(Until),
    Corrupt,
}

impl Fault {
    /// The call fails before anything is done; a commit says `NotApplied`.
    ///
    /// Contract: every call may fail with the kinds its documentation lists. A
    /// `Poisoned` store stays so, so give that one a rule for every commit.
    #[must_use]
    pub const fn refuse(kind: ErrorKind) -> Self {
        Self::new(Effect::Refuse(kind))
    }

    /// A commit is made, and its answer, whatever it is, is lost: the caller
    /// hears `kind` and `Unknown`.
    ///
    /// Contract: `Unknown` says that the commit may have been applied.
    #[must_use]
    pub const fn lose_answer(kind: ErrorKind) -> Self {
        Self::new(Effect::LoseAnswer(kind))
    }

    /// A commit is lost on its way: the caller hears `kind` and `Unknown`, and
    /// it is never made.
    ///
    /// Contract: `Unknown` says that the commit may not have been applied.
    #[must_use]
    pub const fn lose_request(kind: ErrorKind) -> Self {
        Self::new(Effect::LoseRequest(kind))
    }

    /// The caller of a commit hears `kind` and `Unknown` at once; the commit is
    /// made later. If the store is closed by then, it is not made at all.
    ///
    /// Contract: what is `Unknown` may be applied now, or after the next open.
    /// Guards are judged when the commit is made.
    #[must_use]
    pub fn apply_late(kind: ErrorKind, until: impl Into<Until>) -> Self {
        Self::new(Effect::ApplyLate(kind, until.into()))
    }

    /// The call does not begin for a while, or, at a gate that nobody opens,
    /// ever.
    ///
    /// Contract: no call promises how long it takes. A commit that is held has
    /// been accepted: it is made even if its future is dropped meanwhile, and
    /// closing the store waits for it.
    #[must_use]
    pub fn hold(until: impl Into<Until>) -> Self {
        Self::new(Effect::Hold(until.into()))
    }

    /// The call is carried out, and its answer comes after a while.
    ///
    /// Contract: as for [`Fault::hold`].
    #[must_use]
    pub fn hold_answer(until: impl Into<Until>) -> Self {
        Self::new(Effect::HoldAnswer(until.into()))
    }

    /// The first value that a read finds is damaged: the read fails with
    /// `Corrupt` and names its key. A read that finds nothing is answered.
    ///
    /// Contract: damage is an error, never another value and never absence.
    #[must_use]
    pub const fn corrupt() -> Self {
        Self::new(Effect::Corrupt)
    }

    /// The same fault, whose error says that the request may succeed after
    /// `delay`.
    #[must_use]
    pub const fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    const fn new(effect: Effect) -> Self {
        Self {
            effect,
            retry_after: None,
        }
    }

    pub(super) const fn effect(&self) -> &Effect {
        &self.effect
    }

    /// Checks that the contract lets this happen to `call`.
    ///
    /// # Errors
    /// `Invalid` if it does not.
    pub(super) fn check(&self, call: Call) -> Result<()> {
        let (kind, only_commits) = match self.effect {
            Effect::Refuse(kind) => (kind, false),
            Effect::LoseAnswer(kind) | Effect::LoseRequest(kind) | Effect::ApplyLate(kind, _) => {
                (kind, true)
            }
            Effect::Hold(_) | Effect::HoldAnswer(_) => return Ok(()),
            Effect::Corrupt if Call::READS.contains(&call) => return Ok(()),
            Effect::Corrupt => {
                return Err(forbidden(format!(
                    "{call} reads no value that could be damaged; use a rule for reads"
                )));
            }
        };
        if only_commits && call != Call::Commit {
            return Err(forbidden(format!(
                "{call} has no outcome that could be unknown; use a rule for commits"
            )));
        }
        if !call.may_fail_with(kind) {
            return Err(forbidden(format!(
                "the contract does not let {call} fail with `{kind}` at any time"
            )));
        }
        Ok(())
    }

    /// The error that the caller hears.
    pub(super) fn error(
        &self,
        kind: ErrorKind,
        outcome: Outcome,
        call: Call,
        touched: Touched<'_>,
    ) -> Error {
        let mut error = Error::new(kind, "a fault that a test injected")
            .with_operation(call.operation())
            .with_layer(NAME);
        if call == Call::Commit {
            error = error.with_outcome(outcome);
        }
        if let Some(key) = touched.first_key() {
            error = error.with_key(key);
        }
        match self.retry_after {
            Some(delay) => error.with_retry_after(delay),
            None => error,
        }
    }

    /// What the caller hears, if the fault is an error.
    pub(super) const fn error_kind(&self) -> Option<ErrorKind> {
        match self.effect {
            Effect::Refuse(kind)
            | Effect::LoseAnswer(kind)
            | Effect::LoseRequest(kind)
            | Effect::ApplyLate(kind, _) => Some(kind),
            Effect::Corrupt => Some(ErrorKind::Corrupt),
            Effect::Hold(_) | Effect::HoldAnswer(_) => None,
        }
    }

    /// What a call waits for under this fault, if anything.
    pub(super) const fn until(&self) -> Option<&Until> {
        match &self.effect {
            Effect::ApplyLate(_, until) | Effect::Hold(until) | Effect::HoldAnswer(until) => {
                Some(until)
            }
            _ => None,
        }
    }
}

/// What a held call waits for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Until {
    /// Until the test opens the gate.
    Opened(Gate),
    /// For a while, by the timers of the Tokio runtime that the call is made
    /// on, which may be paused. Without a runtime the call is refused as
    /// `Unsupported`.
    Elapsed(Duration),
}

impl Until {
    pub(super) async fn wait(&self) {
        match self {
            Self::Opened(gate) => gate.pass().await,
            Self::Elapsed(delay) => time::sleep(*delay).await,
        }
    }

    /// Checks that the calling thread can wait for this.
    ///
    /// # Errors
    /// `Unsupported` if it cannot.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Elapsed(_) if Handle::try_current().is_err() => Err(Error::new(
                ErrorKind::Unsupported,
                "a fault that lasts for a time needs the timers of a Tokio runtime; use a gate",
            )
            .with_outcome(Outcome::NotApplied)
            .with_layer(NAME)),
            _ => Ok(()),
        }
    }
}

impl From<&Gate> for Until {
    fn from(gate: &Gate) -> Self {
        Self::Opened(gate.clone())
    }
}

impl From<Duration> for Until {
    fn from(delay: Duration) -> Self {
        Self::Elapsed(delay)
    }
}

fn forbidden(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message).with_layer(NAME)
}
