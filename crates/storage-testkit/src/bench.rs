//! Where a case works: a subject, and a clock that stands still.

use std::time::Duration;

use storage_core::{
    Capabilities, Components, Durability, ManualClock, Result, SeededRandom, Store, TimeSource,
    Timestamp,
};

use crate::{Subject, record};

/// A subject and the clock its stores are opened with.
#[derive(Debug)]
pub struct Bench<S> {
    subject: S,
    clock: ManualClock,
    recording: Recording,
}

/// Whether what a case learns of a store goes on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recording {
    On,
    Off,
}

impl<S: Subject> Bench<S> {
    const NOON: Timestamp = Timestamp::from_unix_milliseconds(1_700_000_000_000);

    /// A bench for a subject that has never been opened.
    #[must_use]
    pub fn new(subject: S) -> Self {
        Self::with(subject, Recording::Off)
    }

    pub(crate) fn with(subject: S, recording: Recording) -> Self {
        Self {
            subject,
            clock: ManualClock::at(Self::NOON),
            recording,
        }
    }

    /// Records what the store has shown to declare.
    pub(crate) fn record_declared(&self, capabilities: &Capabilities) {
        if self.recording == Recording::On {
            record::declared(S::ENGINE, capabilities);
        }
    }

    /// Records how durable a commit became.
    pub(crate) fn record_granted(&self, asked: Durability, granted: Durability) {
        if self.recording == Recording::On {
            record::granted(S::ENGINE, asked, granted);
        }
    }

    /// Opens the subject's store. After the store was closed and dropped, this
    /// opens the same data again.
    pub async fn open(&self) -> Result<S::Store> {
        let components = Components::default()
            .with_clock(self.clock.clone())
            .with_random(SeededRandom::new(7));
        self.subject.open(components).await
    }

    /// Closes `store`, drops it, and opens the same data again.
    pub async fn reopen(&self, store: S::Store) -> Result<S::Store> {
        store.close().await?;
        drop(store);
        self.open().await
    }

    /// The instant the stores' clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The instant `milliseconds` from now.
    #[must_use]
    pub fn in_milliseconds(&self, milliseconds: u64) -> Timestamp {
        self.now().after(Duration::from_millis(milliseconds))
    }

    /// Moves the stores' clock.
    pub fn advance_milliseconds(&self, milliseconds: u64) {
        self.clock.advance(Duration::from_millis(milliseconds));
    }
}
