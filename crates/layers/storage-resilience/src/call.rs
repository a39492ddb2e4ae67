//! One call: its attempts, what each takes before it begins, and the waits
//! between them.

use std::{future::Future, num::NonZeroU32, time::Duration};

use storage_core::{Error, ErrorKind, Key, Operation, Outcome, Result};
use tokio::time::Instant;

use crate::{
    NAME,
    backoff::Backoff,
    circuit::{Admission, Circuit},
    control::{Tally, count},
    limit::{Limit, Place},
    repeat::Effect,
    timers::{Timers, after},
};

/// What a store and its snapshots share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) attempts_max: NonZeroU32,
    pub(crate) attempt_time_limit: Duration,
    pub(crate) time_limit: Duration,
    pub(crate) backoff: Backoff,
    pub(crate) limit: Limit,
    pub(crate) circuit: Option<Circuit>,
    pub(crate) timers: Timers,
    pub(crate) tally: Tally,
}

/// What a call asks for, as far as this layer looks at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) operation: Operation,
    pub(crate) effect: Effect,
    /// The key that errors of this layer name.
    pub(crate) key: Option<Key<'a>>,
}

impl<'a> Request<'a> {
    /// A request that changes nothing.
    pub(crate) const fn reading(operation: Operation, key: Option<Key<'a>>) -> Self {
        Self {
            operation,
            effect: Effect::Nothing,
            key,
        }
    }

    /// An error of this layer before an attempt has reached the store below.
    fn refused(&self, error: Error) -> Error {
        self.named(error, Outcome::NotApplied)
    }

    /// An error of this layer, which for a commit has this outcome.
    fn named(&self, error: Error, outcome: Outcome) -> Error {
        let mut error = error.with_operation(self.operation).with_layer(NAME);
        if self.operation == Operation::Commit {
            error = error.with_outcome(outcome);
        }
        match self.key {
            Some(key) => error.with_key(key),
            None => error,
        }
    }
}

/// Why an attempt came to nothing.
enum Failure {
    /// It reached the store below.
    Below(Error),
    /// This layer did not let it.
    Refused(Error),
}

/// How far a call has come.
#[derive(Debug)]
struct Progress {
    attempts: u32,
    /// When the call must be over; not known before it first has to wait.
    deadline: Option<Instant>,
}

impl Shared {
    /// Carries out a request: `begin` begins an attempt.
    pub(crate) async fn carry_out<T, F>(
        &self,
        request: Request<'_>,
        begin: impl Fn() -> F + Send + Sync,
    ) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        let mut progress = Progress {
            attempts: 0,
            deadline: None,
        };
        let mut last = None;
        loop {
            progress.attempts += 1;
            let error = match self.attempt(&request, &mut progress, &begin).await {
                Ok(answer) => return Ok(answer),
                // What made the layer try again says more than why it gave up.
                Err(Failure::Refused(error)) => return Err(last.unwrap_or(error)),
                Err(Failure::Below(error)) => error,
            };
            let Some(next) = self.next_attempt(&request, &mut progress, &error) else {
                return Err(error);
            };
            self.timers.until(next).await;
            count(&self.tally.retries);
            last = Some(error);
        }
    }

    /// Waits for `work` as long as a call may take, without repeating it.
    pub(crate) async fn in_time<T: Send>(
        &self,
        request: Request<'_>,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let deadline = || after(Instant::now(), self.time_limit);
        let answer = self.timers.within(deadline, work).await;
        answer.unwrap_or_else(|| Err(self.overran(&request)))
    }

    async fn attempt<T, F>(
        &self,
        request: &Request<'_>,
        progress: &mut Progress,
        begin: impl Fn() -> F + Send + Sync,
    ) -> Result<T, Failure>
    where
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        let _place = match self.limit.place() {
            Some(place) => place,
            None => Box::pin(self.wait_for_place(request, progress)).await?,
        };
        let admission = match &self.circuit {
            Some(circuit) => Some(self.admitted(circuit, request)?),
            None => None,
        };
        let deadline = || {
            let now = Instant::now();
            let attempt_ends = after(now, self.attempt_time_limit);
            self.deadline(progress, now).min(attempt_ends)
        };
        let answer = self.timers.within(deadline, begin()).await;
        let answer = answer.unwrap_or_else(|| Err(self.overran(request)));
        if let Some(admission) = admission {
            admission.end(answer.as_ref().err());
        }
        answer.map_err(Failure::Below)
    }

    /// Waits for a place, unless the circuit would refuse the attempt anyway.
    async fn wait_for_place(
        &self,
        request: &Request<'_>,
        progress: &mut Progress,
    ) -> Result<Place<'_>, Failure> {
        if let Some(wait) = self.circuit.as_ref().and_then(Circuit::refuses) {
            return Err(self.circuit_is_open(request, wait));
        }
        let wait = self.limit.wait().map_err(|error| {
            count(&self.tally.throttled);
            let error = error.with_retry_after(self.backoff.delay(1, Duration::ZERO));
            Failure::Refused(request.refused(error))
        })?;
        let deadline = || self.deadline(progress, Instant::now());
        let place = self.timers.within(deadline, wait.place()).await;
        place.flatten().ok_or_else(|| {
            count(&self.tally.time_outs);
            let error = Error::new(
                ErrorKind::TimedOut,
                "too many calls were under way for as long as the call may take; \
                 ask less at once, or raise the limits of the layer",
            )
            .with_retry_after(self.backoff.delay(1, Duration::ZERO));
            Failure::Refused(request.refused(error))
        })
    }

    fn admitted<'a>(
        &self,
        circuit: &'a Circuit,
        request: &Request<'_>,
    ) -> Result<Admission<'a>, Failure> {
        circuit
            .admit()
            .map_err(|wait| self.circuit_is_open(request, wait))
    }

    /// When the next attempt begins, if there is to be one after this error.
    fn next_attempt(
        &self,
        request: &Request<'_>,
        progress: &mut Progress,
        error: &Error,
    ) -> Option<Instant> {
        if progress.attempts >= self.attempts_max.get() {
            return None;
        }
        let asked = request.effect.repeat_after(error)?;
        let now = Instant::now();
        let next = after(now, self.backoff.delay(progress.attempts, asked));
        (next < self.deadline(progress, now)).then_some(next)
    }

    /// When a call must be over that first had to wait now or earlier.
    fn deadline(&self, progress: &mut Progress, now: Instant) -> Instant {
        *progress
            .deadline
            .get_or_insert_with(|| after(now, self.time_limit))
    }

    /// The error of an attempt that took too long. Whoever repeats a read need
    /// not wait; a commit is not to be repeated before its outcome is known.
    fn overran(&self, request: &Request<'_>) -> Error {
        count(&self.tally.time_outs);
        let error = Error::new(
            ErrorKind::TimedOut,
            "the store did not answer within the time limit",
        );
        let error = match request.effect {
            Effect::Nothing => error.with_retry_after(Duration::ZERO),
            Effect::Changes => error,
        };
        request.named(error, Outcome::Unknown)
    }

    fn circuit_is_open(&self, request: &Request<'_>, wait: Duration) -> Failure {
        count(&self.tally.refused);
        let error = Error::new(
            ErrorKind::Unavailable,
            "the store has not answered lately and is left alone for a while",
        )
        .with_retry_after(wait);
        Failure::Refused(request.refused(error))
    }
}
