//! One of many that write and read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use storage_core::{
    Entry, Error, ErrorKind, Outcome, ReadExt, Result, Store, StoreExt, Support, WriteBatch,
};
use tokio::time::{sleep, timeout};

use super::{
    history::{Answer, Attempt, Basis, Clock, History, Id, Seen, Sighting, Span, signature},
    place::Place,
};
use crate::{dice::Dice, proof::SIGNED_BYTES_MIN};

/// How many keys all write.
pub(super) const CONTESTED: u16 = 4;

/// Values have less than so many bytes more than it takes to sign them.
const FILLER_BYTES_MAX: u16 = 1_000;

/// A call that has not ended so long after its time limit hangs, and is given
/// up.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(10);

/// Up to so many milliseconds lie between two calls, and between a failure and
/// the next call.
const PAUSE_MAX: u64 = 8;
const PAUSE_AFTER_FAILURE_MAX: u64 = 40;

/// What the tasks and who directs them tell each other.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) clock: Clock,
    is_over: AtomicBool,
    acknowledged: AtomicU64,
    /// When the last acknowledgement came, in microseconds.
    last_acknowledged: AtomicU64,
}

impl Wire {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            is_over: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
            last_acknowledged: AtomicU64::new(0),
        }
    }

    /// Ends all tasks after what they are doing.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// How many attempts were acknowledged so far.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// When the last attempt was acknowledged.
    pub(super) fn last_acknowledged(&self) -> Duration {
        Duration::from_micros(self.last_acknowledged.load(Ordering::Relaxed))
    }

    fn acknowledge(&self, at: Duration) {
        let at = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        self.last_acknowledged.fetch_max(at, Ordering::Relaxed);
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

/// A task.
#[derive(Debug)]
pub(super) struct Task<S> {
    pub(super) store: Arc<S>,
    pub(super) number: u16,
    pub(super) dice: Dice,
    pub(super) time_limit: Duration,
    pub(super) wire: Arc<Wire>,
    /// Of its next attempt.
    step: u32,
    /// Of its own key.
    age: u32,
    history: History,
}

/// Whether a call was answered as it should be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    Well,
    Failed,
}

impl<S: Store> Task<S> {
    pub(super) fn new(
        store: Arc<S>,
        number: u16,
        dice: Dice,
        time_limit: Duration,
        wire: Arc<Wire>,
    ) -> Self {
        Self {
            store,
            number,
            dice,
            time_limit,
            wire,
            step: 0,
            age: 0,
            history: History::default(),
        }
    }

    /// Works until all is over.
    pub(super) async fn work(mut self) -> History {
        while !self.wire.is_over.load(Ordering::Relaxed) {
            match self.act().await {
                Course::Well => self.pause(PAUSE_MAX).await,
                Course::Failed => self.pause(PAUSE_AFTER_FAILURE_MAX).await,
            }
        }
        self.history
    }

    async fn pause(&self, milliseconds_max: u64) {
        let milliseconds = self.dice.below(milliseconds_max + 1);
        sleep(Duration::from_millis(milliseconds)).await;
    }

    async fn act(&mut self) -> Course {
        let own = Place::Task {
            task: self.number,
            age: self.age,
        };
        let contested = Place::All(self.dice.small(CONTESTED));
        match self.dice.below(12) {
            0..=3 => {
                let id = self.next_id();
                let place = Place::Attempt(id);
                self.put(id, place, Basis::Anything, WriteBatch::new())
                    .await
            }
            4..=5 => {
                let id = self.next_id();
                self.put(id, own, Basis::Anything, WriteBatch::new()).await
            }
            6..=8 if self.store.capabilities().guards == Support::Supported => {
                self.swap(contested).await
            }
            9 => self
                .look(contested)
                .await
                .map_or(Course::Failed, |_| Course::Well),
            _ => self
                .look(own)
                .await
                .map_or(Course::Failed, |_| Course::Well),
        }
    }

    fn next_id(&mut self) -> Id {
        let id = Id {
            task: self.number,
            step: self.step,
        };
        self.step += 1;
        id
    }

    /// Reads a key, and builds on what is there.
    async fn swap(&mut self, place: Place) -> Course {
        let Some(entry) = self.look(place).await else {
            return Course::Failed;
        };
        let batch = WriteBatch::new();
        let (basis, batch) = match (&entry, Seen::of(entry.as_ref())) {
            (None, _) => (None, batch.absent(place.key())),
            (Some(entry), Seen::Value(id)) => {
                (Some(id), batch.unchanged(place.key(), entry.stamp()))
            }
            // The judge has it on record.
            (Some(_), _) => return Course::Failed,
        };
        // Others get in between.
        self.pause(PAUSE_MAX).await;
        let id = self.next_id();
        self.put(id, place, Basis::Only(basis), batch).await
    }

    async fn put(&mut self, id: Id, place: Place, basis: Basis, batch: WriteBatch) -> Course {
        let bytes = SIGNED_BYTES_MIN + u32::from(self.dice.small(FILLER_BYTES_MAX));
        let batch = batch.put(place.key(), signature(id).sign(bytes));
        let store = Arc::clone(&self.store);
        let (answer, span) = self.timed("put", store.commit(batch)).await;
        let answer = match answer {
            Some(Ok(_)) => {
                self.wire.acknowledge(span.ended);
                Answer::Acknowledged
            }
            Some(Err(error)) if error.outcome() == Some(Outcome::NotApplied) => Answer::NotApplied,
            Some(Err(_)) | None => Answer::Unknown,
        };
        self.history.attempts.push(Attempt {
            id,
            place,
            basis,
            span,
            answer,
        });
        if answer == Answer::Unknown && matches!(place, Place::Task { .. }) {
            self.age += 1;
        }
        if answer == Answer::Acknowledged {
            Course::Well
        } else {
            Course::Failed
        }
    }

    /// Reads a key; `None` if that fails.
    async fn look(&mut self, place: Place) -> Option<Option<Entry>> {
        let (store, key) = (Arc::clone(&self.store), place.key());
        let (answer, span) = self.timed("get", store.get(&key)).await;
        let entry = answer?.ok()?;
        self.history.sightings.push(Sighting {
            place,
            span,
            seen: Seen::of(entry.as_ref()),
        });
        Some(entry)
    }

    /// The answer to a call, or none if it hangs, and when it was made.
    async fn timed<T>(
        &mut self,
        call: &str,
        work: impl Future<Output = Result<T>>,
    ) -> (Option<Result<T>>, Span) {
        let began = self.wire.clock.now();
        let answer = timeout(self.time_limit + GIVEN_UP_AFTER, work).await.ok();
        let span = Span {
            began,
            ended: self.wire.clock.now(),
        };
        self.history.longest_call = self.history.longest_call.max(span.length());
        match &answer {
            None => self
                .history
                .inexcusable
                .push(format!("a {call} never ended")),
            Some(Err(error)) => self.failed(call, error),
            Some(Ok(_)) => {}
        }
        (answer, span)
    }

    fn failed(&mut self, call: &str, error: &Error) {
        let outcome = match error.outcome() {
            Some(Outcome::NotApplied) => ", not applied",
            Some(Outcome::Unknown) => ", outcome unknown",
            None => "",
        };
        let kind = format!("{call} {}{outcome}", error.kind());
        let failures = &mut self.history.failures;
        failures.entry(kind).or_insert((0, error.to_string())).0 += 1;
        let is_excused = matches!(
            error.kind(),
            ErrorKind::Conflict
                | ErrorKind::Unavailable
                | ErrorKind::Throttled
                | ErrorKind::TimedOut
        );
        if !is_excused {
            self.history.inexcusable.push(format!(
                "a {call} failed with what servers that are gone are no reason for: {error}"
            ));
        }
    }
}
