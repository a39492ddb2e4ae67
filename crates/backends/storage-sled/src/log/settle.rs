//! Making the log durable up to where it is.

use std::sync::{MutexGuard, PoisonError, atomic::Ordering};

use sled::{IVec, LogKind, PageId};
use storage_core::{Error, ErrorKind, Mark, Result};

use super::{
    Shared,
    format::{Place, SEGMENT_BYTES, segment_of, within_segment},
};
use crate::error::{from_sled, poisoned};

/// The most bytes that fill a segment at once. sled writes messages of more
/// than a quarter of a segment to files of their own.
const FILL_BYTES_MAX: usize = SEGMENT_BYTES / 8;

/// sled begins no message in so many bytes at the end of a segment.
const MESSAGE_HEADER_BYTES_MAX: usize = 32;

/// The page that messages without meaning name. They are cancelled before
/// anybody could look for it.
const NO_PAGE: PageId = 2;

/// How often to try to begin a segment while others write, too.
const TRIES_MAX: u32 = 1_000;

impl Shared {
    /// Where the log is now. The only way to learn it is to write a message,
    /// which is cancelled at once.
    pub(super) fn place(&self) -> Result<Place> {
        let batching = self.batching();
        self.fill(0, &batching)
    }

    pub(super) fn batching(&self) -> MutexGuard<'_, ()> {
        self.batching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says why nothing can be written any more, if that is so.
    pub(super) fn check_poison(&self) -> Result<()> {
        if let Some(failure) = self.failure.get() {
            return Err(failure.duplicate());
        }
        let failure = self.db.context.global_error();
        failure.map_err(|error| poisoned(&error))
    }

    /// Makes the log durable up to where it is.
    pub(super) fn settle(&self) -> Result<()> {
        let place = self.place()?;
        let turn = self.turns.take(|| self.wake_the_stuck());
        if self.durable.load(Ordering::Acquire) >= place {
            return Ok(());
        }
        self.check_poison()?;
        let settled = self.settle_at(place);
        if let Err(error) = &settled {
            // The first failure stands.
            let _ = self.failure.set(poisoned(error));
        }
        drop(turn);
        settled
    }

    /// The settler.
    pub(super) fn keep_settling(&self) {
        while self.turns.is_wanted_again(|| self.wake_the_stuck()) {
            // Whoever writes next is told of a failure.
            let _ = self.settle();
            self.turns.granted();
        }
    }

    /// Has sled write out the log up to `place`.
    pub(super) fn write_out(&self, place: Place) -> Result<()> {
        let log = &self.db.context.pagecache.log;
        log.make_stable(place).map(drop).map_err(from_sled)
    }

    fn settle_at(&self, place: Place) -> Result<()> {
        let settled = self.settled.load(Ordering::Acquire);
        // sled frees a segment as soon as a header was written that vouches for
        // what replaces it. This keeps it from noticing before the header is
        // durable, too.
        let pin = sled::pin();
        let mut is_next = segment_of(place) <= settled + 1;
        if !is_next {
            // The headers to come vouch for more than has been settled.
            self.sync_file()?;
        }
        self.write_out(place)?;
        self.sync_file()?;
        if segment_of(place) > settled {
            // A segment that was begun meanwhile vouches for too little.
            is_next &= segment_of(self.place()?) == segment_of(place);
        }
        let end = if is_next {
            place
        } else {
            self.begin_segment()?
        };
        drop(pin);
        self.settled.fetch_max(segment_of(end), Ordering::AcqRel);
        self.durable.fetch_max(end, Ordering::AcqRel);
        self.is_urgent.store(false, Ordering::Release);
        // Without the mark the log is as durable; less damage is told from a crash.
        let _ = self.watermark.raise(mark(end));
        Ok(())
    }

    /// Begins a segment that vouches for all before it, and makes it durable.
    ///
    /// Recovery looks for every segment from the one on that the newest header
    /// vouches for. Where several were begun at once, that is the first of
    /// them, and sled would soon free some of the others.
    fn begin_segment(&self) -> Result<Place> {
        for _ in 0..TRIES_MAX {
            let place = self.place()?;
            self.write_out(place)?;
            self.sync_file()?;
            let begun = self.fill_segment(place)?;
            self.write_out(begun)?;
            self.sync_file()?;
            // Others that write may have begun one before all was written out.
            if segment_of(begun) == segment_of(place) + 1 {
                return Ok(begun);
            }
        }
        Err(Error::new(
            ErrorKind::Internal,
            "sled's log grows faster than it can be made durable",
        ))
    }

    /// Fills the segment of `place`; answers where the log is then.
    fn fill_segment(&self, place: Place) -> Result<Place> {
        let batching = self.batching();
        let mut at = place;
        while segment_of(at) == segment_of(place) {
            let room = SEGMENT_BYTES - within_segment(at);
            let bytes = room.saturating_sub(2 * MESSAGE_HEADER_BYTES_MAX);
            at = self.fill(bytes.min(FILL_BYTES_MAX), &batching)?;
        }
        Ok(at)
    }

    /// Writes a message of so many bytes that means nothing; answers where it
    /// is.
    fn fill(&self, bytes: usize, _: &MutexGuard<'_, ()>) -> Result<Place> {
        let content = IVec::from(vec![0; bytes]);
        let pin = sled::pin();
        let log = &self.db.context.pagecache.log;
        let message = log
            .reserve(LogKind::Link, NO_PAGE, &content, &pin)
            .map_err(from_sled)?;
        message.abort().map(|(place, _)| place).map_err(from_sled)
    }

    fn sync_file(&self) -> Result<()> {
        self.file
            .sync_data()
            .map_err(|error| Error::io("syncing sled's log", error))
    }

    /// sled does not wake those who wait for a part of the log when the write
    /// of another part fails. Whoever waits anew wakes them.
    fn wake_the_stuck(&self) {
        if self.db.context.global_error().is_err() {
            let _ = self.write_out(Place::MAX);
        }
    }
}

/// The mark that says that all up to `place` is durable.
pub(crate) fn mark(place: Place) -> Mark {
    Mark {
        log: 0,
        position: u64::try_from(place).unwrap_or_default(),
    }
}
