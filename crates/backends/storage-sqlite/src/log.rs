//! The log that SQLite appends commits to: its syncs, its end, and when its
//! pages are due to be written to the database.
//!
//! SQLite would sync it within the commit, so that commits wait for one another.
//! Everything applied has reached the operating system, and syncing a file
//! through another descriptor makes the same pages durable, so that is done
//! here. `docs/decisions/0019-sqlite-log.md` gives the reasoning.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use storage_core::{Error, ErrorKind, Mark, Outcome, Result, Watermark};

use crate::{
    connection::{DATABASE, LOG_SUFFIX},
    error::corrupt,
};

/// Where the first half of the log's salt is, which tells one log from those
/// that were in the same file before it.
const SALT_OFFSET: u64 = 16;

/// The bytes before the first frame, and those before the page of each frame.
const HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: u64 = 24;

/// The log of an open store.
#[derive(Debug)]
pub(crate) struct Log {
    /// A descriptor of its own. Closing it takes no lock of SQLite's away: those
    /// are on the database and on the index of the log.
    file: File,
    watermark: Watermark,
    /// How many frames there are, as of the last commit.
    frames: Arc<AtomicU32>,
    end: Mutex<End>,
    /// At how many frames a checkpoint is due.
    due_at: AtomicU32,
    /// How many frames may come before that.
    frames_max: u32,
    /// Whether the next commit may begin the log anew, which takes a sync.
    may_restart: AtomicBool,
    has_failed: AtomicBool,
}

/// What became of the log with a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restarted {
    /// Its generation is noted in it.
    AsKnown,
    /// Its generation is noted in a log before it.
    Unannounced,
}

/// Where the log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The generation that the last commit noted.
    pub(crate) generation: i64,
    /// Tells the log from others in the same file.
    pub(crate) salt: Option<u32>,
    /// How many frames there are.
    pub(crate) frames: u32,
    /// Whether the generation was noted in this very log, so that both are lost
    /// together.
    pub(crate) is_noted: bool,
}

impl Log {
    /// The log in `file`, which ends at `end`.
    pub(crate) fn new(file: File, watermark: Watermark, end: End, frames_max: u32) -> Self {
        Self {
            file,
            watermark,
            frames: Arc::new(AtomicU32::new(end.frames)),
            end: Mutex::new(end),
            due_at: AtomicU32::new(frames_max),
            frames_max,
            // The first commit to a new file writes its header.
            may_restart: AtomicBool::new(true),
            has_failed: AtomicBool::new(false),
        }
    }

    /// Where whoever commits is to note how many frames there are.
    pub(crate) fn frames(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.frames)
    }

    /// How many frames there are.
    pub(crate) fn frame_count(&self) -> u32 {
        self.frames.load(Ordering::Acquire)
    }

    /// How many frames there may be before a checkpoint is due.
    pub(crate) const fn frames_max(&self) -> u32 {
        self.frames_max
    }

    /// Whether pages are due to be written to the database.
    pub(crate) fn is_checkpoint_due(&self) -> bool {
        self.frame_count() >= self.due_at.load(Ordering::Acquire)
    }

    /// Whether a commit may have to wait for the disk now.
    pub(crate) fn may_wait(&self) -> bool {
        self.may_restart.load(Ordering::Acquire) || self.is_checkpoint_due()
    }

    /// Takes note of a commit. Says whether it began the log anew without noting
    /// a generation, as after a checkpoint of another process. Such a log could
    /// be lost unnoticed, and takes no mark before a generation is noted in it.
    pub(crate) fn committed(&self, generation: i64) -> Restarted {
        // Without a salt the log is not marked, and nothing worse.
        let salt = read_salt(&self.file).unwrap_or(None);
        let mut end = self.end();
        let has_changed = salt != end.salt;
        if has_changed {
            self.due_at.store(self.frames_max, Ordering::Release);
        }
        let is_noted_now = generation != end.generation;
        if has_changed || is_noted_now {
            self.may_restart.store(false, Ordering::Release);
        }
        *end = End {
            generation,
            salt,
            frames: self.frame_count(),
            is_noted: is_noted_now || (end.is_noted && !has_changed),
        };
        if end.is_noted {
            Restarted::AsKnown
        } else {
            Restarted::Unannounced
        }
    }

    /// Takes note of a checkpoint that left so many frames, after which the next
    /// commit may begin the log anew.
    pub(crate) fn checkpointed(&self, frames: u32) {
        self.frames.store(frames, Ordering::Release);
        self.postpone_checkpoint();
        self.may_restart.store(true, Ordering::Release);
    }

    /// Lets the next checkpoint be due as many frames from now as the last.
    pub(crate) fn postpone_checkpoint(&self) {
        let next = self.frame_count().saturating_add(self.frames_max);
        self.due_at.store(next, Ordering::Release);
    }

    /// Makes everything durable that was applied before the call. What is no
    /// longer in the log is durable in the database.
    ///
    /// # Errors
    /// From the operating system; `Poisoned` once something could not be made
    /// durable.
    pub(crate) fn sync(&self) -> Result<()> {
        self.check()?;
        let end = *self.end();
        self.file.sync_data().map_err(|error| {
            self.fail();
            Error::io("syncing the log", error)
        })?;
        if let Some(mark) = end.mark() {
            // Where it cannot be written, damage may look like a crash later on.
            // The commits are durable.
            let _ = self.watermark.raise(mark);
        }
        Ok(())
    }

    /// Takes note that something could not be made durable.
    pub(crate) fn fail(&self) {
        self.has_failed.store(true, Ordering::Release);
    }

    /// Refuses once something could not be made durable.
    pub(crate) fn check(&self) -> Result<()> {
        if self.has_failed.load(Ordering::Acquire) {
            return Err(Error::new(
                ErrorKind::Poisoned,
                "an earlier write or sync failed, so what reached the disk is unknown; see that the disk is well, then reopen the store",
            )
            .with_outcome(Outcome::NotApplied));
        }
        Ok(())
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl End {
    /// How it is noted that the log is durable up to here.
    fn mark(self) -> Option<Mark> {
        self.is_noted.then_some(())?;
        Some(Mark {
            log: self.generation.try_into().ok()?,
            position: (u64::from(self.salt?) << 32) | u64::from(self.frames),
        })
    }
}

/// The salt of the log in a file; none where there is no log.
///
/// # Errors
/// From the operating system.
pub(crate) fn read_salt(file: &File) -> io::Result<Option<u32>> {
    let mut salt = [0; size_of::<u32>()];
    match file.read_exact_at(&mut salt, SALT_OFFSET) {
        Ok(()) => Ok(Some(u32::from_be_bytes(salt))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Checks that everything was recovered that is known to have been durable: the
/// generation of the mark, and, if it is the same log, as many frames.
///
/// # Errors
/// `Corrupt`, naming the place, if something is missing.
pub(crate) fn verify_recovered(page_bytes: u32, mark: Mark, end: End) -> Result<()> {
    if i64::try_from(mark.log).unwrap_or(i64::MAX) > end.generation {
        return Err(corrupt(&format!(
            "{DATABASE}{LOG_SUFFIX} is missing, or its beginning cannot be read, though commits in it were durable"
        )));
    }
    let durable = mark.position & u64::from(u32::MAX);
    let is_same_log = end
        .salt
        .is_some_and(|salt| u64::from(salt) == mark.position >> 32);
    if is_same_log && u64::from(end.frames) < durable {
        let place =
            HEADER_BYTES + u64::from(end.frames) * (FRAME_HEADER_BYTES + u64::from(page_bytes));
        return Err(corrupt(&format!(
            "{DATABASE}{LOG_SUFFIX} cannot be read from byte {place} on, behind frame {}, though it was durable up to frame {durable}",
            end.frames
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: End = End {
        generation: 3,
        salt: Some(7),
        frames: 10,
        is_noted: true,
    };

    fn verify(log: u64, salt: u64, frames: u64) -> Result<()> {
        let position = salt << 32 | frames;
        verify_recovered(4_096, Mark { log, position }, END)
    }

    #[test]
    fn a_mark_is_the_documented_one() {
        let mark = END.mark().unwrap();
        assert_eq!((mark.log, mark.position), (3, 0x7_0000_000a));
        assert_eq!(End { salt: None, ..END }.mark(), None);
        let is_noted = false;
        assert_eq!(End { is_noted, ..END }.mark(), None);
    }

    #[test]
    fn what_was_durable_must_be_recovered_and_what_was_not_need_not() {
        verify(3, 7, 10).unwrap();
        verify(2, 7, 10).unwrap();
        // Another log is in its place: all of this one is in the database.
        verify(3, 6, 999).unwrap();
        let error = verify(3, 7, 11).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains("byte 41232"), "{error}");
        let error = verify(4, 9, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains("store.sqlite-wal"), "{error}");
    }
}
