//! What is kept of each operation: its metrics, and the calls under way.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use metrics::{Counter, Gauge, Histogram, Label};
use storage_core::{Error, ErrorKind, RedactedKey};
use tracing::{
    Span,
    field::{Empty, display},
};

use crate::{names, recording::Recording, watched::Watched};

/// The name of an operation, as labels have it.
pub(crate) type OperationName = &'static str;

/// The metrics of one operation.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) operation: OperationName,
    recording: Recording,
    answered: Counter,
    cancelled: Counter,
    duration: Histogram,
    in_flight: Gauge,
    read_bytes: Counter,
    read_entries: Counter,
    written_bytes: Counter,
    slow: Counter,
    slow_after: Option<Duration>,
    watched: Option<Arc<Watched>>,
}

/// What an answer holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Volume {
    pub(crate) read_bytes: u64,
    pub(crate) read_entries: u64,
    pub(crate) written_bytes: u64,
}

impl Meter {
    pub(crate) fn new(
        operation: OperationName,
        recording: &Recording,
        slow_after: Option<Duration>,
        watched: Option<Arc<Watched>>,
    ) -> Self {
        let counter = |name| recording.counter(name, vec![label(operation)]);
        Self {
            operation,
            answered: counter(names::OPERATIONS),
            cancelled: counter(names::CANCELLED),
            read_bytes: counter(names::READ_BYTES),
            read_entries: counter(names::READ_ENTRIES),
            written_bytes: counter(names::WRITTEN_BYTES),
            slow: counter(names::SLOW),
            duration: recording.histogram(names::DURATION, vec![label(operation)]),
            in_flight: recording.gauge(names::IN_FLIGHT, vec![label(operation)]),
            recording: recording.clone(),
            slow_after,
            watched,
        }
    }

    /// Whether the key of an operation may be asked for.
    pub(crate) const fn wants_key(&self) -> bool {
        self.slow_after.is_some()
    }

    /// Begins an operation.
    pub(crate) fn begin(&self) -> UnderWay<'_> {
        self.in_flight.increment(1.0);
        UnderWay {
            meter: self,
            began: Instant::now(),
            is_answered: false,
        }
    }

    /// A span of this operation; a disabled one costs a branch. What is empty is known
    /// when it ends.
    pub(crate) fn span(&self) -> Span {
        tracing::debug_span!(
            "storage",
            store = self.recording.store(),
            operation = self.operation,
            key = Empty,
            error = Empty
        )
    }

    fn log_slow(&self, took: Duration, key: Option<RedactedKey>, error: Option<&Error>) {
        self.slow.increment(1);
        tracing::warn!(
            store = self.recording.store(),
            operation = self.operation,
            took_seconds = took.as_secs_f64(),
            key = key.map(display),
            error = error.map(|error| display(error.kind())),
            "slow operation"
        );
    }

    fn count_error(&self, error: &Error) {
        let kind = error.kind().to_string().replace(' ', "_");
        let labels = vec![label(self.operation), Label::new("kind", kind)];
        self.recording.counter(names::ERRORS, labels).increment(1);
    }
}

/// An operation under way. Dropped without an answer, it was cancelled.
#[derive(Debug)]
pub(crate) struct UnderWay<'a> {
    meter: &'a Meter,
    began: Instant,
    is_answered: bool,
}

impl UnderWay<'_> {
    /// Takes note of the answer, in the span of the operation too.
    pub(crate) fn end(
        mut self,
        span: &Span,
        answer: Result<Volume, &Error>,
        key: impl FnOnce() -> Option<RedactedKey>,
    ) {
        self.is_answered = true;
        let (meter, took) = (self.meter, self.began.elapsed());
        meter.duration.record(took);
        meter.answered.increment(1);
        match answer {
            Ok(volume) => {
                add(&meter.read_bytes, volume.read_bytes);
                add(&meter.read_entries, volume.read_entries);
                add(&meter.written_bytes, volume.written_bytes);
            }
            Err(error) => meter.count_error(error),
        }
        if let Some(watched) = &meter.watched {
            let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            watched.record(nanoseconds, answer.is_err_and(is_failure));
        }
        let is_slow = meter.slow_after.is_some_and(|limit| took > limit);
        if !is_slow && span.is_disabled() {
            return;
        }
        let key = key();
        if let Some(key) = &key {
            span.record("key", display(key));
        }
        if let Err(error) = answer {
            span.record("error", display(error.kind()));
        }
        if is_slow {
            span.in_scope(|| meter.log_slow(took, key, answer.err()));
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.meter.in_flight.decrement(1.0);
        if !self.is_answered {
            self.meter.cancelled.increment(1);
        }
    }
}

fn add(counter: &Counter, amount: u64) {
    if amount > 0 {
        counter.increment(amount);
    }
}

const fn label(operation: OperationName) -> Label {
    Label::from_static_parts("operation", operation)
}

/// Whether the store failed a request, rather than refused a wrong one.
fn is_failure(error: &Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::Invalid | ErrorKind::Unsupported | ErrorKind::Conflict | ErrorKind::Closed
    )
}
