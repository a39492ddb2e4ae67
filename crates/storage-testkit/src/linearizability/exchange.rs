//! Exchanges: one call, its answer, and when.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use storage_core::{Error, ErrorKind, Outcome, Result};
use tokio::time::timeout;

use super::{Moment, OperationKind, coverage::Coverage, meeting::Place};
use crate::CaseResult;

/// A call to a store, and what came back.
#[derive(Debug)]
pub(super) struct Exchange<T> {
    pub(super) kind: OperationKind,
    pub(super) called: Moment,
    /// When the answer came; `None` if nobody knows what came of the call.
    pub(super) answered: Option<Moment>,
    pub(super) reply: Reply<T>,
}

/// What an answer says.
#[derive(Debug)]
pub(super) enum Reply<T> {
    Answered(T),
    /// The store refused, or was away, and did nothing.
    NotApplied(Error),
    /// Nobody waited for the answer, or it says that nobody knows.
    Unknown,
    /// An error that a sound store does not give.
    Failed(Error),
}

impl<T> Exchange<T> {
    /// Nobody waits longer for an answer.
    const TIME_MAX: Duration = Duration::from_secs(10);

    /// Calls, and waits for the answer. Where the client has a place in a
    /// meeting, the others are met first: the store may take effect at any time
    /// after the call.
    pub(super) async fn of(
        kind: OperationKind,
        place: Option<Place>,
        call: impl Future<Output = Result<T>>,
    ) -> Self {
        let called = Self::called(place).await;
        let answer = timeout(Self::TIME_MAX, call).await.ok();
        Self::ended(kind, called, answer)
    }

    /// Calls, and drops the future after the first poll, which may have
    /// answered.
    pub(super) async fn dropped(
        kind: OperationKind,
        place: Option<Place>,
        call: impl Future<Output = Result<T>>,
    ) -> Self {
        let called = Self::called(place).await;
        let answer = {
            let mut call = pin!(call);
            poll_fn(|context| {
                Poll::Ready(match call.as_mut().poll(context) {
                    Poll::Ready(answer) => Some(answer),
                    Poll::Pending => None,
                })
            })
            .await
        };
        Self::ended(kind, called, answer)
    }

    async fn called(place: Option<Place>) -> Moment {
        let called = Moment::now();
        if let Some(place) = place {
            place.meet().await;
        }
        called
    }

    pub(super) const fn is_answered(&self) -> bool {
        matches!(self.reply, Reply::Answered(_))
    }

    /// Whether the store says that a condition did not hold.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(&self.reply, Reply::NotApplied(error) if error.kind() == ErrorKind::Conflict)
    }

    /// What a read returned, unless the store did not answer; counted either way.
    pub(super) fn read_by(&self, coverage: &mut Coverage) -> CaseResult<Option<&T>> {
        coverage.reads.count(self.is_answered());
        match &self.reply {
            Reply::Answered(value) => Ok(Some(value)),
            Reply::NotApplied(error) | Reply::Failed(error) if !is_passing(error.kind()) => {
                Err(error.duplicate().into())
            }
            Reply::NotApplied(_) | Reply::Unknown | Reply::Failed(_) => Ok(None),
        }
    }

    fn ended(kind: OperationKind, called: Moment, answer: Option<Result<T>>) -> Self {
        let answered = Moment::now();
        let reply = match answer {
            Some(Ok(value)) => Reply::Answered(value),
            Some(Err(error)) => Reply::refused(error),
            None => Reply::Unknown,
        };
        Self {
            kind,
            called,
            answered: (!matches!(reply, Reply::Unknown)).then_some(answered),
            reply,
        }
    }
}

impl<T> Reply<T> {
    fn refused(error: Error) -> Self {
        let is_conflict = error.kind() == ErrorKind::Conflict;
        match error.outcome() {
            Some(Outcome::NotApplied) if is_conflict || is_passing(error.kind()) => {
                Self::NotApplied(error)
            }
            _ if is_passing(error.kind()) => Self::Unknown,
            _ => Self::Failed(error),
        }
    }
}

/// Whether a sound store may answer so while it is used as it should be.
const fn is_passing(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unavailable
            | ErrorKind::TimedOut
            | ErrorKind::Throttled
            | ErrorKind::SnapshotExpired
    )
}
