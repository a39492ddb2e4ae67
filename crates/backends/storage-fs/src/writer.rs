//! Writing records: what the log and the frame of a record have to do with each
//! other.

use std::{fmt, sync::atomic::Ordering};

use storage_core::{Error, ErrorKind, Mark, Outcome, Result};

use crate::{
    error::failed,
    log::{self, Log, record},
    shared::Shared,
    version::VersionId,
    wire::as_u64,
};

/// Where commits are written.
pub(crate) struct Writer {
    pub(crate) log: Log,
    /// The frame of a record; kept for its room.
    pub(crate) frame: Vec<u8>,
    /// Whether the last record says that the store was closed.
    is_closed: bool,
}

impl Writer {
    /// Frames that took more room give it back.
    const FRAME_KEPT_BYTES: usize = 2 << 20;

    pub(crate) const fn new(log: Log, is_closed: bool) -> Self {
        Self {
            log,
            frame: Vec::new(),
            is_closed,
        }
    }

    /// Goes on in another log.
    pub(crate) fn turn_to(&mut self, log: Log) {
        self.log = log;
        self.is_closed = false;
    }
}

impl Shared {
    /// Writes a record whose frame is filled. From then on it is in the log.
    ///
    /// # Errors
    /// From the operating system. Unless it had no effect, nothing is written
    /// any more.
    pub(crate) fn append(&self, writer: &mut Writer) -> Result<Mark> {
        let Writer { log, frame, .. } = writer;
        let appended = log.append(frame);
        let bytes = as_u64(frame.len());
        if frame.capacity() > Writer::FRAME_KEPT_BYTES {
            *frame = Vec::new();
        }
        if let Err(append) = appended {
            let error = failed("writing", &log::name(log.number()), append.error);
            self.make_room_after(&error);
            if append.is_undone {
                return Err(error.with_outcome(Outcome::NotApplied));
            }
            self.fail(&error);
            return Err(error.with_outcome(Outcome::Unknown));
        }
        writer.is_closed = false;
        self.log_bytes.fetch_add(bytes, Ordering::Relaxed);
        let end = writer.log.mark();
        self.synced.grown(end);
        Ok(end)
    }

    /// Appends that the files of all versions before `below` are durable.
    pub(crate) fn append_settled(&self, below: VersionId) -> Result<()> {
        let mut writer = self.writer();
        record::begin_settled(&mut writer.frame, below);
        self.append(&mut writer).map(drop)
    }

    /// Appends that the store is closed, unless that is the last that was.
    pub(crate) fn append_closed(&self) -> Result<()> {
        let mut writer = self.writer();
        if !writer.is_closed {
            record::begin_closed(&mut writer.frame);
            self.append(&mut writer)?;
            writer.is_closed = true;
        }
        Ok(())
    }

    /// Has all dead files removed if the disk is full.
    pub(crate) fn make_room_after(&self, error: &Error) {
        if error.kind() == ErrorKind::Full {
            self.is_tight.store(true, Ordering::Relaxed);
            self.wake_if_needed();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}
